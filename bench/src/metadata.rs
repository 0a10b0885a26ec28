//! Ids and metadata of events that benchmarks append.

use chrono::DateTime;
use domain::ids::{CommandId, CorrelationId};
use event_store::envelope::{Metadata, RequestSource};
use uuid::Uuid;

/// Returns a new id.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is an edge: ids enter here"
)]
pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// Returns metadata of a command of its own.
pub(crate) fn metadata() -> Metadata {
    Metadata {
        actor: "bench".to_owned(),
        command_id: CommandId::new(new_id()),
        correlation_id: CorrelationId::new(new_id()),
        causation_id: None,
        traceparent: None,
        source: RequestSource::Api,
        occurred_at: DateTime::UNIX_EPOCH,
    }
}
