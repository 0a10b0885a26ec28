//! What a Kafka client complains about. Its calls only say that they timed out; why they did comes
//! by callbacks, and is kept here for the one line that operators read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

/// How long to listen to complaints that wait.
const LISTEN: Duration = Duration::from_millis(5);

/// What goes along with the record of progress, and comes back with word of its delivery; along with
/// an event goes its place among those of the transaction.
pub(crate) const RECORD: usize = usize::MAX;

/// The context of our Kafka clients; remembers the last complaint, and messages that were not delivered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    last: Arc<Mutex<Option<String>>>,
    failures: Arc<Mutex<Vec<Failure>>>,
}

/// A message that was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Which one: what went along with it.
    pub(crate) which: usize,
    /// In Kafka's words.
    pub(crate) why: String,
    pub(crate) kind: FailureKind,
}

/// Whether it may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Kafka refuses it for good, or the batch that it was in.
    ForGood,
    /// It may pass.
    ForNow,
}

/// Whether Kafka will refuse a record, or the batch that it was in, whenever it is asked: nobody but an
/// operator can change that. Everything else passes, such as too few replicas in sync.
pub(crate) fn is_for_good(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::MessageBatchTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidRecord
                // It was in one batch with an invalid one.
                | RDKafkaErrorCode::InvalidDifferentRecord
        )
    )
}

/// The messages that were not delivered, since the last time that this was asked; not those that the
/// client gave up because of them.
pub(crate) fn failures(producer: &BaseProducer<Trouble>) -> Vec<Failure> {
    std::mem::take(
        &mut *producer
            .context()
            .failures
            .lock()
            .expect("no holder panics"),
    )
}

/// Adds the last complaint of a producer to an error, and forgets it.
pub(crate) fn explain(
    producer: &BaseProducer<Trouble>,
    error: KafkaError,
    doing: &str,
) -> anyhow::Error {
    // Complaints wait until somebody listens.
    producer.poll(LISTEN);
    let last = producer
        .context()
        .last
        .lock()
        .expect("no holder panics")
        .take();
    match last {
        Some(last) => anyhow::anyhow!("{doing}: {error}: {last}"),
        None => anyhow::anyhow!("{doing}: {error}"),
    }
}

impl Trouble {
    fn note(&self, complaint: String) {
        tracing::debug!(complaint, "kafka client");
        *self.last.lock().expect("no holder panics") = Some(complaint);
    }
}

impl ClientContext for Trouble {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // What is an error to the client is told once, by whoever called it.
        tracing::debug!(?level, facility, message, "kafka client");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // That all brokers are down says less than why one of them is.
        if !reason.ends_with("brokers are down") {
            self.note(format!("{error}: {reason}"));
        }
    }
}

impl ConsumerContext for Trouble {}

impl ProducerContext for Trouble {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, which: usize) {
        let Err((error, _)) = result else {
            return;
        };
        // Given up because of another one, of which there is word too.
        if let Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) =
            error.rdkafka_error_code()
        {
            return;
        }
        let kind = if is_for_good(error) {
            FailureKind::ForGood
        } else {
            FailureKind::ForNow
        };
        self.failures
            .lock()
            .expect("no holder panics")
            .push(Failure {
                which,
                why: error.to_string(),
                kind,
            });
    }
}
