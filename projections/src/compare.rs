//! Compares a generation of a projection with the log, row by row, while consumers run.
//!
//! The projection's own code folds the events up to the generation's checkpoints again, into temporary tables of the
//! same shape. Then Postgres joins both by their keys and compares the rows. The comparison is exact although nothing
//! stops meanwhile, and needs memory for a batch of events, and in Postgres for a join.
//!
//! **No snapshot is open while history is folded**, because Postgres keeps every version of every row for it. The fold
//! runs in passes: each reads how far the generation is and follows it there. Once a pass was short, one snapshot
//! shows the checkpoints, the parked streams and the rows. The few events up to these checkpoints are folded, and the
//! rows are compared, all by the connection that has the temporary tables.
//!
//! The passes fold what the snapshot shows, or the comparison starts again. A fold leaves out the events of a parked
//! stream. A stream is parked by the transaction that moves the checkpoint over its event, so a stream that is parked
//! later is parked beyond what was folded. If a stream is no longer parked where it was, its events were left out and
//! the rows show them: then the fold cannot be used. Nor can it if a checkpoint went back, as a restore makes it.
//!
//! The comparison must never write anything but its temporary tables. It must never read the
//! generation's rows but in that one snapshot.

use event_store::consume::consumer::{ApplyError, Consumer};
use event_store::consume::generation::{self, GenerationState};
use event_store::consume::source::ConsumerId;
use event_store::consume::{checkpoint, parked};
use event_store::envelope::Shard;
use event_store::error::StoreError;
use serde::Serialize;
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};

mod fold;
mod rows;
mod tables;

use self::fold::Fold;

/// The most differences that are reported in full; all of them are counted.
const TOLD: usize = 10;

/// The number of events below which the pass after it may run while the snapshot is open.
const SHORT_PASS: u64 = 10_000;

/// The most passes without a snapshot.
const MOST_PASSES: u32 = 8;

/// A sample of the streams: a window of the 65,536 values that the last two bytes of an id can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The first value of the window.
    from: u16,
    /// The number of values in the window, which continues at 0 after 65,535.
    of_65536: i32,
}

impl Sample {
    /// All streams.
    pub const ALL: Self = Self {
        from: 0,
        of_65536: 65_536,
    };

    /// Samples a share of the streams, from 0 to 1. The same `from` gives the same streams each time,
    /// another one gives others. Tables that sum over streams are left out of anything less than all.
    #[must_use]
    pub fn share(share: f64, from: u16) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the product is between 0 and 65,536"
        )]
        let of_65536 = (share.clamp(0.0, 1.0) * 65_536.0).ceil() as i32;
        if of_65536 == Self::ALL.of_65536 {
            return Self::ALL;
        }
        Self { from, of_65536 }
    }

    /// True if the sample is all streams.
    #[must_use]
    pub fn is_all(self) -> bool {
        self == Self::ALL
    }

    /// Returns true if the sample has the stream, by the last two bytes of its id; `rows` has the same condition
    /// in SQL.
    #[must_use]
    pub fn has(self, stream: uuid::Uuid) -> bool {
        let [.., high, low] = stream.into_bytes();
        let place = u16::from_be_bytes([high, low]).wrapping_sub(self.from);
        i32::from(place) < self.of_65536
    }
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The number of events that were folded.
    pub events: u64,
    /// The number of rows that were compared.
    pub rows: u64,
    /// The number of rows that differ, are missing or should not be there.
    pub differences: u64,
    /// The first differences, in the order of tables and keys.
    pub first: Vec<Difference>,
    /// The tables that were left out of a sample, because they sum over streams.
    pub left_out: Vec<String>,
}

/// A row that differs from the fold of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The table, with its schema.
    pub table: String,
    /// The row's key.
    pub key: String,
    /// The row that the fold of the log gives; `None` if it gives none.
    pub expected: Option<String>,
    /// The row that the generation has; `None` if it has none.
    pub found: Option<String>,
}

impl Comparison {
    fn differ(&mut self, difference: Difference) {
        self.differences += 1;
        if self.first.len() < TOLD {
            self.first.push(difference);
        }
    }
}

/// The reason why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The generation neither serves nor is being built: ask which one serves, and compare that one.
    #[error("generation {generation} of `{name}` is not in use any more")]
    Superseded {
        /// The name of the projection.
        name: &'static str,
        /// The number of the generation.
        generation: i32,
    },
    /// Postgres failed.
    #[error("the read models cannot be compared with the log")]
    Unavailable(#[from] sqlx::Error),
    /// The event store failed.
    #[error("the log cannot be read")]
    Store(#[from] StoreError),
    /// Postgres failed while the events were folded.
    #[error("the events cannot be folded anew")]
    Fold(#[from] ApplyError),
}

/// Compares a generation with a fresh fold of the log.
///
/// # Errors
/// [`CompareError`]. Rows that differ are no error.
pub async fn compare(
    pool: &PgPool,
    consumer: &dyn Consumer,
    generation: i32,
    sample: Sample,
) -> Result<Comparison, CompareError> {
    let id = ConsumerId {
        name: consumer.name(),
        generation,
    };
    loop {
        let mut scratch = pool.acquire().await?.detach();
        let compared = attempt(pool, &mut scratch, consumer, id, sample).await;
        // The end of the connection drops its temporary tables.
        scratch.close().await?;
        if let Some(comparison) = compared? {
            return Ok(comparison);
        }
        tracing::info!(
            projection = id.name,
            generation,
            "a parked stream was retried, or a checkpoint went back: the comparison starts again"
        );
    }
}

/// Compares once; returns `None` if a stream that was left out is not parked there any more, or a checkpoint went back.
async fn attempt(
    pool: &PgPool,
    scratch: &mut PgConnection,
    consumer: &dyn Consumer,
    id: ConsumerId,
    sample: Sample,
) -> Result<Option<Comparison>, CompareError> {
    let shards = Shard::all(consumer.stream_types());
    let mut fold = Fold::new(consumer, sample);
    let mut tables = None;
    let mut last_pass = u64::MAX;
    let mut snapshot = loop {
        let mut snapshot = begin_snapshot(scratch).await?;
        must_be_in_use(&mut snapshot, id).await?;
        let checkpoints = checkpoint::read(&mut snapshot, id, &shards).await?;
        let parked = parked::first_positions(&mut snapshot, id).await?;
        if !fold.follows(&checkpoints, parked) {
            snapshot.rollback().await?;
            return Ok(None);
        }
        // The generation may advance as fast as it is followed: then passes do not become shorter.
        let is_last = last_pass < SHORT_PASS || fold.passes() >= MOST_PASSES;
        if is_last {
            fold.pass(pool, &mut snapshot, &checkpoints).await?;
            break snapshot;
        }
        let found = match tables {
            None => Some(tables::of(&mut snapshot, id).await?),
            Some(_) => None,
        };
        snapshot.rollback().await?;
        if let Some(found) = found {
            tables::copy_shapes(scratch, &found).await?;
            tables = Some(found);
        }
        last_pass = fold.pass(pool, scratch, &checkpoints).await?;
    };
    let mut comparison = Comparison {
        events: fold.events,
        ..Comparison::default()
    };
    for refused in fold.refused {
        comparison.differ(Difference {
            table: parked::TABLE.to_owned(),
            key: refused.stream.to_string(),
            expected: Some(refused.to_string()),
            found: None,
        });
    }
    // All rows are read now.
    sqlx::query("set local enable_seqscan = on")
        .execute(&mut *snapshot)
        .await?;
    for table in tables.into_iter().flatten() {
        if table.stream_column.is_none() && !sample.is_all() {
            comparison.left_out.push(table.name());
            continue;
        }
        rows::compare(&mut snapshot, &table, sample, &mut comparison).await?;
    }
    snapshot.rollback().await?;
    Ok(Some(comparison))
}

/// Begins a transaction that reads one snapshot, for any time, and can write to temporary tables only.
async fn begin_snapshot(
    scratch: &mut PgConnection,
) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    let mut transaction = scratch.begin().await?;
    for setting in [
        "set transaction isolation level repeatable read read only",
        "set local idle_in_transaction_session_timeout = 0",
        "set local statement_timeout = 0",
        "set local timezone = 'UTC'",
    ] {
        sqlx::query(setting).execute(&mut *transaction).await?;
    }
    Ok(transaction)
}

/// Checks that a generation is in use. One out of use has no checkpoints any more, and its tables mean
/// nothing.
async fn must_be_in_use(snapshot: &mut PgConnection, id: ConsumerId) -> Result<(), CompareError> {
    let state = generation::state(snapshot, id.name, id.generation).await?;
    if state.is_some_and(GenerationState::is_in_use) {
        Ok(())
    } else {
        Err(CompareError::Superseded {
            name: id.name,
            generation: id.generation,
        })
    }
}
