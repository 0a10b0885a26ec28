//! Expected reasons for a fault that cannot be injected during other faults: its target, the database or the
//! broker is down. Any other reason is a mistake, and reported as a difference.

use std::error::Error;
use std::fmt;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::time::error::Elapsed;

/// Classes of SQLSTATE of a database that is down, stopping or full: connection, resources, operator, system.
const DOWN: [&str; 4] = ["08", "53", "57", "58"];

/// An expected reason for a fault that cannot be injected.
#[derive(Debug)]
pub(crate) struct NotPossible(String);

impl NotPossible {
    /// Creates an error with a reason.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for NotPossible {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for NotPossible {}

/// True if an error is an expected reason.
pub(crate) fn is_expected(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<NotPossible>()
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

/// True if a code means that the broker is down, starting or silent.
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

/// The code of an error. Covers admin operations, which `rdkafka_error_code` leaves out.
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
    fn only_expected_reasons_are_not_possible() {
        let lost = || sqlx::Error::Io(io::Error::from(io::ErrorKind::ConnectionRefused));
        let timed_out = KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut);
        let asked: Result<(), _> = Err(lost());
        for known in [
            NotPossible::new("api-0 is down").into(),
            anyhow!(lost()),
            asked.context("asking").unwrap_err(),
            anyhow!(timed_out),
        ] {
            assert!(is_expected(&known), "{known:#}");
        }
        for unknown in [
            anyhow!("unexpected argument '--reason'"),
            anyhow!(sqlx::Error::RowNotFound),
            anyhow!(KafkaError::AdminOp(RDKafkaErrorCode::InvalidTopic)),
            io::Error::from(io::ErrorKind::NotFound).into(),
        ] {
            assert!(!is_expected(&unknown), "{unknown:#}");
        }
    }
}
