//! Signals the commits of projections to requests that wait.

use std::sync::Arc;

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer, Rebuild};
use event_store::consume::wake::Signal;
use event_store::envelope::{Positioned, Recorded};
use sqlx::PgConnection;

use crate::model::ReadModel;

/// Returns the consumers that write these models, each of which raises `applied` after its commits.
#[must_use]
pub fn announcing(models: Vec<Arc<dyn ReadModel>>, applied: &Signal) -> Vec<Arc<dyn Consumer>> {
    let announcing = |consumer: Arc<dyn ReadModel>| {
        let applied = applied.clone();
        Arc::new(Announcing { consumer, applied }) as Arc<dyn Consumer>
    };
    models.into_iter().map(announcing).collect()
}

struct Announcing {
    consumer: Arc<dyn Consumer>,
    applied: Signal,
}

#[async_trait]
impl Consumer for Announcing {
    fn name(&self) -> &'static str {
        self.consumer.name()
    }

    fn version(&self) -> i32 {
        self.consumer.version()
    }

    fn rebuild(&self) -> Rebuild {
        self.consumer.rebuild()
    }

    fn stream_types(&self) -> &'static [StreamType] {
        self.consumer.stream_types()
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        self.consumer.apply(transaction, events).await
    }

    fn committed(&self, events: &[Positioned<Recorded>]) {
        self.consumer.committed(events);
        self.applied.raise();
    }
}
