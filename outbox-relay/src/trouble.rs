//! What a Kafka client complains about. Its calls only say that they timed out; why they did comes
//! by callbacks, and is kept here for the one line that operators read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext};

/// How long to listen to complaints that wait.
const LISTEN: Duration = Duration::from_millis(5);

/// The context of our Kafka clients; remembers the last complaint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    last: Arc<Mutex<Option<String>>>,
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
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.note(format!("a message was not delivered: {error}"));
        }
    }
}
