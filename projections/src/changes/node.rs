//! The rows of streams as of their events.

use std::num::NonZeroUsize;
use std::sync::Arc;

use event_store::envelope::{Positioned, StoredEvent, StreamId, Version};
use event_store::error::StoreError;
use event_store::log;
use lru::LruCache;
use sqlx::PgPool;

use super::Change;
use crate::model::{LiveFold, LiveRow};
use crate::{live_state, registry};

/// Folds events into nodes, remembering the streams it met last.
#[derive(Debug)]
pub(super) struct Nodes {
    pool: PgPool,
    known: LruCache<StreamId, Known>,
}

#[derive(Debug, Clone)]
enum Known {
    At(LiveRow),
    /// The event of this version does not decode or makes no sense, so that no later node can be
    /// known.
    Broken(Version),
}

impl Nodes {
    pub(super) fn new(pool: PgPool, capacity: NonZeroUsize) -> Self {
        Self {
            pool,
            known: LruCache::new(capacity),
        }
    }

    /// Returns the change that an event makes.
    ///
    /// # Errors
    /// When Postgres fails. An event that does not decode or makes no sense gives a change without a
    /// node. So does an event of a stream that no model holds rows of, such as one whose type only a
    /// newer program knows.
    pub(super) async fn change(
        &mut self,
        event: Arc<Positioned<StoredEvent>>,
    ) -> Result<Change, StoreError> {
        let stream_type = event.event.stream.stream_type;
        if stream_type.info().is_none() {
            // Only a newer program knows what such a stream is.
            return Ok(Change { event, node: None });
        }
        let node = match registry::live_fold(stream_type) {
            Some(fold) => self.node(fold, &event.event).await?,
            None => None,
        };
        if node.is_none() {
            metrics::counter!("clustergenie_changes_without_node_total").increment(1);
        }
        Ok(Change { event, node })
    }

    async fn node(
        &mut self,
        fold: LiveFold,
        event: &StoredEvent,
    ) -> Result<Option<LiveRow>, StoreError> {
        let known = self.after(fold, event).await?;
        self.known.put(event.stream, known.clone());
        Ok(match known {
            Known::At(node) => Some(node),
            Known::Broken(_) => None,
        })
    }

    /// Returns the known state of the event's stream as of the event.
    async fn after(&mut self, fold: LiveFold, event: &StoredEvent) -> Result<Known, StoreError> {
        let before = match self.known.pop(&event.stream) {
            Some(Known::Broken(at)) if at <= event.version => return Ok(Known::Broken(at)),
            Some(Known::At(node)) if node.version() < event.version => Some(node),
            Some(Known::At(_) | Known::Broken(_)) | None => None,
        };
        let reached = before.as_ref().map_or(Version::NONE, LiveRow::version);
        let decoded = if reached.plus(1) == event.version {
            live_state::decode(std::slice::from_ref(event))
        } else {
            let mut stored = log::read_stream(&self.pool, event.stream, reached).await?;
            stored.retain(|earlier| earlier.version <= event.version);
            live_state::decode(&stored)
        };
        let events = match decoded {
            Ok(events) => events,
            Err(error) => return Ok(broken(event, &error)),
        };
        let folded = events
            .iter()
            .try_fold(before, |node, event| fold(node, event).map(Some));
        Ok(match folded {
            Ok(Some(node)) if node.version() == event.version => Known::At(node),
            Ok(_) => Known::Broken(event.version),
            Err(senseless) => broken(event, &senseless),
        })
    }
}

fn broken(event: &StoredEvent, error: &(dyn std::error::Error + 'static)) -> Known {
    tracing::error!(
        stream.id = %event.stream,
        version = event.version.0,
        error,
        "subscribers get the events of this stream without its node"
    );
    Known::Broken(event.version)
}
