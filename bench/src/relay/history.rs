//! The log that is drained: recorded as the platform records, in few round trips, and sequenced.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use anyhow::ensure;
use event_store::cloudevent::{self, Topics};
use event_store::envelope::{Position, Positioned, StoredEvent};
use event_store::incarnation;
use event_store::log;
use outbox_relay::message_size;
use sqlx::PgPool;
use testkit::events::{Recorder, sequence};

/// Streams of a kind that are recorded before those of the other kind.
const STREAMS: usize = 250;
/// Events of a droplet and a job.
const EVENTS: usize = 5;
const PAGE: i64 = 5_000;

/// A log, as far as it is compared with what was published.
pub(super) struct History {
    /// The digests of the events, by position.
    digests: Vec<u64>,
    /// The mean size of a message with key, headers and value.
    pub(super) mean_bytes: usize,
}

impl History {
    /// Records at least so many events of droplets and jobs, and gives them positions.
    ///
    /// # Errors
    /// When Postgres fails.
    pub(super) async fn record(pool: &PgPool, count: usize) -> anyhow::Result<Self> {
        let mut recorder = Recorder::new(pool.clone());
        for _ in 0..count.div_ceil(STREAMS * EVENTS) {
            recorder.droplets(STREAMS).await;
            recorder.jobs(STREAMS).await;
        }
        let head = sequence(pool).await;
        let incarnation = Some(incarnation::ensure(pool).await?.current().id);
        let (mut digests, mut bytes) = (Vec::new(), 0);
        loop {
            let after = Position(digests.len().try_into()?);
            let page = log::read(pool, after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for event in &page {
                let topics = Topics::default();
                let message = cloudevent::encode(&topics, event, Position::START, incarnation)?;
                bytes += message_size::bytes(&message);
                digests.push(digest(event));
            }
        }
        ensure!(digests.len() as i64 == head.0, "positions are dense");
        Ok(Self {
            mean_bytes: bytes / digests.len(),
            digests,
        })
    }

    /// The number of events.
    pub(super) fn len(&self) -> usize {
        self.digests.len()
    }

    /// True if the log has this event.
    pub(super) fn has(&self, event: &Positioned<StoredEvent>) -> bool {
        let index = usize::try_from(event.position.0 - 1);
        let stored = index.ok().and_then(|index| self.digests.get(index));
        stored == Some(&digest(event))
    }
}

fn digest(event: &Positioned<StoredEvent>) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{event:?}").hash(&mut hasher);
    hasher.finish()
}
