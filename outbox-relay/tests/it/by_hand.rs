//! A relay's Kafka transaction, step by step, so that a test can end it between any two.

use std::collections::HashMap;
use std::time::Duration;

use event_store::cloudevent;
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::log;
use rdkafka::error::KafkaResult;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use sqlx::PgPool;
use testkit::kafka::{TestKafka, record};
use tokio::task::spawn_blocking;

/// A producer that has the relay's own id, and an open transaction.
pub(crate) type Dying = ThreadedProducer<DefaultProducerContext>;

const PATIENCE: Duration = Duration::from_secs(20);

/// Fences the relay before, and sends events and a record of progress, without committing: what a relay
/// leaves behind that is killed just before.
pub(crate) async fn sent(
    kafka: &TestKafka,
    pool: &PgPool,
    events: Vec<Positioned<StoredEvent>>,
) -> Dying {
    let before = Position(events[0].position.0 - 1);
    let heads = log::shard_heads(pool, before).await.unwrap();
    let mut heads: HashMap<Shard, Position> = heads.into_iter().collect();
    let (mut config, topics) = (kafka.client(), kafka.topics());
    config.set("transactional.id", topics.transactional_id());
    let last = events.last().unwrap();
    let (position, event) = (last.position, last.event.event_id);
    let progress = format!(r#"{{"position":{position},"event":"{event}","epoch":1}}"#);
    spawn_blocking(move || {
        let producer: Dying = config.create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        for event in &events {
            let previous = heads.insert(event.event.stream.shard(), event.position);
            let message =
                cloudevent::encode(&topics, event, previous.unwrap_or_default(), None).unwrap();
            producer
                .send(record(&message))
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
