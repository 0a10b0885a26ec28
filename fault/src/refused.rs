//! What may keep a fault from being injected while others are going on: its target is down, the database
//! is, the broker is. Whatever else stands in the way is a mistake somewhere, and never passed over.

use std::error::Error;
use std::fmt;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::time::error::Elapsed;

/// Classes of SQLSTATE of a database that is down, going down or full: connections, resources, operators,
/// the system.
const DOWN: [&str; 4] = ["08", "53", "57", "58"];

/// Something is known to stand in the way.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl Refused {
    /// Says what stands in the way.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for Refused {}

/// Whether an error is a known refusal.
pub(crate) fn is_known(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Refused>()
            || cause.is::<Elapsed>()
            || cause
                .downcast_ref::<sqlx::Error>()
                .is_some_and(database_is_down)
            || cause
                .downcast_ref::<KafkaError>()
                .and_then(code)
                .is_some_and(broker_is_down)
    })
}

/// Whether a broker says so that is down or on its way, or nobody says anything.
pub(crate) fn broker_is_down(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::NotController
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::RequestTimedOut
    )
}

/// Errors of whole admin operations keep their code to themselves.
fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    }
}

fn database_is_down(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            DOWN.iter().any(|class| code.starts_with(class))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn only_what_is_known_is_a_refusal() {
        let lost = || sqlx::Error::Io(io::Error::from(io::ErrorKind::ConnectionRefused));
        let timed_out = KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut);
        let asked: Result<(), _> = Err(lost());
        for known in [
            Refused::new("api-0 is down").into(),
            anyhow!(lost()),
            asked.context("asking").unwrap_err(),
            anyhow!(timed_out),
        ] {
            assert!(is_known(&known), "{known:#}");
        }
        for unknown in [
            anyhow!("unexpected argument '--reason'"),
            anyhow!(sqlx::Error::RowNotFound),
            anyhow!(KafkaError::AdminOp(RDKafkaErrorCode::InvalidTopic)),
            io::Error::from(io::ErrorKind::NotFound).into(),
        ] {
            assert!(!is_known(&unknown), "{unknown:#}");
        }
    }
}
