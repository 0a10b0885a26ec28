//! A relay's Kafka transaction, step by step, so that a test can end it between any two.

use std::time::Duration;

use event_store::cloudevent::Message;
use rdkafka::error::KafkaResult;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use testkit::kafka::{TestKafka, record};
use tokio::task::spawn_blocking;

/// A producer that has the relay's own id, and an open transaction.
pub(crate) type Dying = ThreadedProducer<DefaultProducerContext>;

const PATIENCE: Duration = Duration::from_secs(20);

/// Fences the relay before, and sends messages and a record of progress, without committing.
pub(crate) async fn sent(kafka: &TestKafka, messages: Vec<Message>, progress: String) -> Dying {
    let (mut config, topics) = (kafka.client(), kafka.topics());
    config.set("transactional.id", topics.transactional_id());
    spawn_blocking(move || {
        let producer: Dying = config.create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        for message in &messages {
            producer
                .send(record(message))
                .map_err(|(error, _)| error)
                .unwrap();
        }
        let topic = topics.progress();
        let record = BaseRecord::to(&topic)
            .partition(0)
            .key("position")
            .payload(&progress);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
        producer
    })
    .await
    .unwrap()
}

/// Commits what was sent, if the producer still may.
pub(crate) async fn commit(dying: Dying) -> KafkaResult<()> {
    spawn_blocking(move || dying.commit_transaction(PATIENCE))
        .await
        .unwrap()
}
