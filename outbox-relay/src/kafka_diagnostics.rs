//! Errors of Kafka clients, with their reasons.
//!
//! Calls of the client mostly report a timeout. The reason comes by callbacks, and is kept here for the one
//! line that operators read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

/// The longest wait for callbacks that are queued.
const CALLBACKS: Duration = Duration::from_millis(5);

/// The opaque value of the record of progress; the opaque value of an event's message is its index in the
/// transaction.
pub(crate) const RECORD: usize = usize::MAX;

/// The context of our Kafka clients: keeps the last reported error, and the messages that were not delivered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diagnostics {
    last: Arc<Mutex<Option<String>>>,
    failures: Arc<Mutex<Vec<Failure>>>,
}

/// A text that a client reported by a callback. It names hosts and addresses.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Reported(pub(crate) String);

/// A message that was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The message's index in the transaction, or [`RECORD`].
    pub(crate) which: usize,
    /// Kafka's reason.
    pub(crate) error: KafkaError,
}

/// True if Kafka refuses the record, or the batch that it is in, at every attempt until an operator
/// changes a setting. All other errors are transient, such as too few replicas in sync.
pub(crate) fn is_for_good(error: &KafkaError) -> bool {
    is_too_large(error)
        || matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::InvalidRecord)
        )
        || is_innocent(error)
}

/// True if a limit of size is the reason of the refusal.
pub(crate) fn is_too_large(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::MessageBatchTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
        )
    )
}

/// True if the record was refused only because another one of its batch is invalid.
pub(crate) fn is_innocent(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::InvalidDifferentRecord)
}

/// Takes the messages that were not delivered since the last call, without those that the client gave up
/// because of another one.
pub(crate) fn take_failures(producer: &BaseProducer<Diagnostics>) -> Vec<Failure> {
    let failures = &producer.context().failures;
    std::mem::take(&mut *failures.lock().expect("no holder panics"))
}

/// Adds the error that a producer reported last to the error of a call, and forgets it.
pub(crate) fn explain(
    producer: &BaseProducer<Diagnostics>,
    error: KafkaError,
    doing: &str,
) -> anyhow::Error {
    // Callbacks run only while somebody polls.
    producer.poll(CALLBACKS);
    let last = producer
        .context()
        .last
        .lock()
        .expect("no holder panics")
        .take();
    match last {
        Some(last) => anyhow::Error::new(Reported(last)).context(format!("{doing}: {error}")),
        None => anyhow::anyhow!("{doing}: {error}"),
    }
}

impl ClientContext for Diagnostics {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // An error of the client is logged once, by the caller.
        tracing::debug!(?level, facility, message, "kafka client");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // "All brokers are down" says less than the reason of one of them.
        if !reason.ends_with("brokers are down") {
            let reported = format!("{error}: {reason}");
            tracing::debug!(reported, "kafka client");
            *self.last.lock().expect("no holder panics") = Some(reported);
        }
    }
}

impl ConsumerContext for Diagnostics {}

impl ProducerContext for Diagnostics {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, which: usize) {
        let Err((error, _)) = result else {
            return;
        };
        // Given up because of another message, whose failure is reported too.
        if let Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) =
            error.rdkafka_error_code()
        {
            return;
        }
        let error = error.clone();
        let failure = Failure { which, error };
        self.failures
            .lock()
            .expect("no holder panics")
            .push(failure);
    }
}
