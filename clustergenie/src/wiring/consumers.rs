//! Consumers of events, from the log or from Kafka, and the rebuilds of read models.

use std::sync::Arc;
use std::time::Duration;

use event_store::consume::consumer::{self, Consumer};
use event_store::consume::shared_log::SharedLog;
use event_store::consume::source::{LogSource, Source};
use event_store::consume::wake::Wake;
use projections::kafka::KafkaSource;
use projections::rebuild;
use sqlx::PgPool;

use super::{Brokers, unique_owner};
use crate::tasks::{Stage, Tasks};

/// Poll interval of a consumer of the log without hints, if the sequencer runs in the same process. Hints
/// within a process are never lost, so an idle platform need not poll every second.
const WITHIN_ONE_PROCESS: Duration = Duration::from_secs(30);

/// The source of events for consumers.
#[derive(Clone, Debug)]
pub(crate) enum Feed {
    /// The log; all consumers share its reads.
    Log(SharedLog),
    /// Kafka.
    Kafka(Brokers),
}

/// Runs consumers, each in a task of its own.
///
/// # Errors
/// When Kafka's addresses are malformed.
pub(crate) fn start(
    tasks: &mut Tasks,
    pool: &PgPool,
    wake: &Wake,
    feed: &Feed,
    consumers: Vec<Arc<dyn Consumer>>,
) -> anyhow::Result<()> {
    for consumer in consumers {
        let mut source = source(pool, wake, feed, consumer.as_ref())?;
        let pool = pool.clone();
        tasks.spawn(
            Stage::Follow,
            format!("consumer {}", consumer.name()),
            |stop| async move {
                consumer::run(pool, consumer.as_ref(), source.as_mut(), stop).await;
                Ok(())
            },
        );
    }
    Ok(())
}

/// Rebuilds read models when a rebuild is requested, beside the generation that serves.
pub(crate) fn start_rebuilds(tasks: &mut Tasks, pool: &PgPool, wake: &Wake) {
    let (pool, applied, owner) = (pool.clone(), wake.applied.clone(), unique_owner());
    tasks.spawn(Stage::Follow, "rebuilds", |stop| async move {
        rebuild::run(pool, projections::all(), applied, owner, stop).await;
        Ok(())
    });
}

fn source(
    pool: &PgPool,
    wake: &Wake,
    feed: &Feed,
    consumer: &dyn Consumer,
) -> anyhow::Result<Box<dyn Source>> {
    let (name, types) = (consumer.name(), consumer.stream_types());
    Ok(match feed {
        Feed::Log(log) => Box::new(LogSource::new(
            log.clone(),
            name,
            types,
            wake.sequenced.clone(),
            WITHIN_ONE_PROCESS,
        )),
        Feed::Kafka(Brokers { addresses, topics }) => Box::new(KafkaSource::start(
            addresses,
            topics,
            pool.clone(),
            name,
            consumer.version(),
            types,
        )?),
    })
}
