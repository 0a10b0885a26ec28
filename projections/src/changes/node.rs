//! Droplets and jobs as of an event.

use std::num::NonZeroUsize;
use std::sync::Arc;

use domain::stream_type::StreamType;
use event_store::envelope::{Positioned, Recorded, StoredEvent, StreamId, Version};
use event_store::error::StoreError;
use event_store::log;
use lru::LruCache;
use sqlx::PgPool;

use super::Change;
use crate::droplets::DropletRow;
use crate::fold::UnexpectedEvent;
use crate::jobs::JobRow;
use crate::live_state;

/// A droplet or a job as of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A droplet.
    Droplet(Arc<DropletRow>),
    /// A job.
    Job(Arc<JobRow>),
}

impl Node {
    /// The version of its stream that it shows.
    #[must_use]
    pub fn version(&self) -> Version {
        match self {
            Self::Droplet(row) => row.version,
            Self::Job(row) => row.version,
        }
    }

    fn fold(node: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent> {
        match event.stream.stream_type {
            StreamType::DROPLET => {
                let row = node.and_then(|node| match node {
                    Self::Droplet(row) => Some(Arc::unwrap_or_clone(row)),
                    Self::Job(_) => None,
                });
                DropletRow::fold(row, event).map(|row| Self::Droplet(Arc::new(row)))
            }
            StreamType::JOB => {
                let row = node.and_then(|node| match node {
                    Self::Job(row) => Some(Arc::unwrap_or_clone(row)),
                    Self::Droplet(_) => None,
                });
                JobRow::fold(row, event).map(|row| Self::Job(Arc::new(row)))
            }
            unknown => Err(UnexpectedEvent::foreign(event, unknown)),
        }
    }
}

/// Folds events into nodes, remembering the streams it met last.
#[derive(Debug)]
pub(super) struct Nodes {
    pool: PgPool,
    known: LruCache<StreamId, Known>,
}

#[derive(Debug, Clone)]
enum Known {
    At(Node),
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

    /// The change that an event is.
    ///
    /// # Errors
    /// When Postgres fails. An event that does not decode or makes no sense gives a change without
    /// a node.
    pub(super) async fn change(
        &mut self,
        event: Arc<Positioned<StoredEvent>>,
    ) -> Result<Change, StoreError> {
        if event.event.stream.stream_type.info().is_none() {
            // Only a newer program knows what such a stream is.
            return Ok(Change { event, node: None });
        }
        let known = self.after(&event.event).await?;
        self.known.put(event.event.stream, known.clone());
        let node = match known {
            Known::At(node) => Some(node),
            Known::Broken(_) => {
                metrics::counter!("clustergenie_changes_without_node_total").increment(1);
                None
            }
        };
        Ok(Change { event, node })
    }

    /// What is known of the event's stream as of the event.
    async fn after(&mut self, event: &StoredEvent) -> Result<Known, StoreError> {
        let before = match self.known.pop(&event.stream) {
            Some(Known::Broken(at)) if at <= event.version => return Ok(Known::Broken(at)),
            Some(Known::At(node)) if node.version() < event.version => Some(node),
            Some(Known::At(_) | Known::Broken(_)) | None => None,
        };
        let reached = before.as_ref().map_or(Version::NONE, Node::version);
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
            .try_fold(before, |node, event| Node::fold(node, event).map(Some));
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
