//! Reads the events of a shard in batches for rebuilds and comparisons. A large batch folds more events of a stream for
//! each row that is loaded and stored.
//!
//! A batch is read page by page, so that it is larger than [`BYTES`] by at most one page.

use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::error::StoreError;
use event_store::log;
use sqlx::PgPool;

/// The number of events that a statement reads.
const PAGE: i64 = 1_000;
/// The number of events from which on no further page is read.
const EVENTS: usize = 4_000;
/// The bytes of payloads and metadata from which on no further page is read.
const BYTES: usize = 4 << 20;

/// The next events of a shard.
pub(crate) struct ShardBatch {
    /// The events, in order.
    pub(crate) events: Vec<Positioned<StoredEvent>>,
    /// True if no event up to the last position comes after them.
    pub(crate) is_last: bool,
}

/// Returns the next events of a shard with `after < position <= up_to`.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn next(
    pool: &PgPool,
    shard: Shard,
    mut after: Position,
    up_to: Position,
) -> Result<ShardBatch, StoreError> {
    let mut events: Vec<Positioned<StoredEvent>> = Vec::new();
    let mut bytes = 0;
    let full_page = usize::try_from(PAGE).expect("a page is small");
    loop {
        let page = log::read_shard(pool, shard, after, up_to, PAGE).await?;
        let is_last = page.len() < full_page;
        let size = |e: &Positioned<StoredEvent>| e.event.data.len() + e.event.metadata.len();
        bytes += page.iter().map(size).sum::<usize>();
        after = page.last().map_or(after, |last| last.position);
        events.extend(page);
        if is_last || events.len() >= EVENTS || bytes >= BYTES {
            return Ok(ShardBatch { events, is_last });
        }
    }
}
