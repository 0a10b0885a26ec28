//! Checks, while everything goes on, that what is stored is what was recorded: read-only, in statements
//! of bounded size, each check with the first thing that is not as it must be.
//!
//! # Why nobody's work at the same time can look like a difference
//!
//! Let `S0` be the snapshot of the one statement that reads [`Bounds`]: the head of the log `H`, the low
//! mark `L`, the last row of the log and the last stream. Every statement of a check is sent after that
//! one was answered, so its snapshot `S` shows everything that `S0` shows, and perhaps more. Each
//! condition that is checked is one of these:
//!
//! 1. *About one snapshot.* The condition holds in every snapshot there can be, because what it compares
//!    is written by one transaction: the head and the rows of the log (`sequencer_write.sql`), the version
//!    of a stream and its events (`append.sql`); or because the one was committed before the other
//!    was written: an event before its row in the log, version `n` before version `n + 1` and also
//!    sequenced not later, the log before a checkpoint. All of it is read by one statement, so it does
//!    not matter which snapshot that is. Such statements cover a stream as a whole, or the log
//!    and the events of the same numbers.
//! 2. *About what `S0` shows.* Rows of `es.log` up to `H`, their events and the digests are final: each
//!    later snapshot shows the same. No event with a number up to `L` can appear any more (that is
//!    what the low mark means, see [`crate::log::gaps`]), so an event up to `L` that `S` shows was there in
//!    `S0` and had its position.
//!
//! What is appended after `S0` is checked where it lies in a stream that is looked at, and otherwise left
//! to the next audit; every loop is bounded by what `S0` showed, so an audit ends however much is
//! written meanwhile.
//!
//! Constraints of the tables forbid much of what is looked for. No check relies on them: whoever
//! can alter an event can drop a constraint.

pub mod checkpoints;
pub mod digests;
pub mod events;
pub mod finding;
pub mod log;
pub mod positions;
pub mod streams;

use sqlx::PgPool;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};
use uuid::Uuid;

use self::finding::{Difference, Findings, Progress};
use crate::envelope::{Position, Version};
use crate::error::StoreError;

/// Rows that one statement looks at, about: enough to be fast, few enough to be over soon.
const PAGE: i64 = 10_000;

/// What all checks of one audit share.
#[derive(Clone, Copy, Debug)]
pub struct Audit<'a> {
    /// Where to read. Nothing is written.
    pub pool: &'a PgPool,
    /// How far to look.
    pub bounds: Bounds,
    /// Told how far the check is.
    pub progress: &'a Progress,
}

/// How things stood when the audit began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The head of the log, as `es.log_head` tells it.
    pub head: Position,
    /// Every number of an event up to here is in the log or can never appear.
    low_mark: i64,
    /// The first and the last position that the log has; 0 when it is empty.
    first: Position,
    last: Position,
    /// The highest number of an event that the log has.
    last_seq: i64,
    /// The highest id of a stream.
    last_stream: Uuid,
}

/// Why nothing can be checked.
#[derive(Debug, thiserror::Error)]
pub enum BoundsError {
    /// Postgres fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The role sees only some of the rows.
    #[error(
        "this database role does not see every event, because row-level security binds it: connect \
         as the owner of the tables"
    )]
    Blindfolded,
}

impl Bounds {
    /// Reads how things stand.
    ///
    /// # Errors
    /// When Postgres fails, or would not show everything.
    pub async fn read(pool: &PgPool) -> Result<Self, BoundsError> {
        let unavailable = || StoreError::unavailable("reading the head of the log");
        let blindfolded: bool = sqlx::query_scalar("select row_security_active('es.events')")
            .fetch_one(pool)
            .await
            .map_err(unavailable())?;
        if blindfolded {
            return Err(BoundsError::Blindfolded);
        }
        let row = sqlx::query(include_str!("audit/bounds.sql"))
            .fetch_one(pool)
            .await
            .map_err(unavailable())?;
        let bounds = || {
            Ok::<_, sqlx::Error>(Self {
                head: Position(row.try_get("head")?),
                low_mark: row.try_get("low_mark")?,
                first: Position(row.try_get("first")?),
                last: Position(row.try_get("last")?),
                last_seq: row.try_get("last_seq")?,
                last_stream: row.try_get("last_stream")?,
            })
        };
        Ok(bounds().map_err(unavailable())?)
    }
}

impl Audit<'_> {
    /// Runs a statement that compares one page and takes in what it found. Its row has `compared`,
    /// `differences` and, of the first of these, `position`, `stream_id`, `version`, `expected` and
    /// `found`. Gives the row.
    async fn compare_page(
        &self,
        findings: &mut Findings,
        doing: &'static str,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<PgRow, StoreError> {
        let row = query
            .fetch_one(self.pool)
            .await
            .map_err(StoreError::unavailable(doing))?;
        take_in(findings, &row).map_err(StoreError::unavailable(doing))?;
        self.progress.reached(findings.compared);
        Ok(row)
    }
}

fn take_in(findings: &mut Findings, row: &PgRow) -> Result<(), sqlx::Error> {
    let count = |column| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(column)?.unsigned_abs());
    findings.compared += count("compared")?;
    let differences = count("differences")?;
    if differences > 0 {
        let first = Difference {
            position: row.try_get::<Option<i64>, _>("position")?.map(Position),
            stream: row.try_get("stream_id")?,
            version: row.try_get::<Option<i64>, _>("version")?.map(Version),
            expected: row.try_get("expected")?,
            found: row.try_get("found")?,
            ..Difference::default()
        };
        findings.differ(differences, first);
    }
    Ok(())
}
