//! Audits what is stored against what was recorded, while other processes write. The checks are read-only
//! and use statements of bounded size. Each check reports the first difference that it finds.
//!
//! # Proof that concurrent writes cannot look like a difference
//!
//! Let `S0` be the snapshot of the one statement that reads [`Bounds`]. Among the bounds are the head of
//! the log `H`, the low mark `L`, the last row of the log and the last stream. Every statement of a check
//! is sent after that statement was answered. So its snapshot `S` shows everything that `S0` shows, and
//! perhaps more. Each condition that is checked is one of these:
//!
//! 1. *About one snapshot.* The condition holds in every snapshot there can be, for one of two reasons.
//!    Either one transaction writes what is compared: the head and the rows of the log
//!    (`sequencer_write.sql`), the version of a stream and its events (`append.sql`). Or the one was
//!    committed before the other was written: an event before its row in the log, the log before a
//!    checkpoint. Version `n` was also committed before version `n + 1` was written, and was sequenced not
//!    later. All that a condition compares is read by one statement, so it does not matter which snapshot
//!    that is. Such statements cover a stream as a whole, or the log and the events of the same numbers.
//! 2. *About what `S0` shows.* Rows of `es.log` up to `H`, their events and the digests are final: each
//!    later snapshot shows the same. No event with a number up to `L` can appear any more. That is the
//!    meaning of the low mark, see [`crate::log::gaps`]. So an event up to `L` that `S` shows was there in
//!    `S0` and had its position.
//!
//! An event appended after `S0` is checked if it lies in a stream that is read, and otherwise left to the
//! next audit. Every loop is bounded by what `S0` showed, so an audit ends however much is written
//! meanwhile.
//!
//! Constraints of the tables forbid many of the differences. No check relies on them: a person who can
//! alter an event can drop a constraint.

pub mod checkpoints;
pub mod commands;
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

/// The approximate number of rows that one statement reads: enough to be fast, few enough to end soon.
const PAGE: i64 = 10_000;

/// The parameters that all checks of one audit share.
#[derive(Clone, Copy, Debug)]
pub struct Audit<'a> {
    /// The database to read. Nothing is written.
    pub pool: &'a PgPool,
    /// The bounds of the audit.
    pub bounds: Bounds,
    /// The progress of the current check, which the check updates.
    pub progress: &'a Progress,
}

/// The bounds of the log and the streams at the beginning of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The head of the log, from `es.log_head`.
    pub head: Position,
    /// The low mark: every number of an event up to it is in the log or can never appear.
    low_mark: i64,
    /// The first and the last position of the log; 0 if the log is empty.
    first: Position,
    last: Position,
    /// The highest number of an event in the log.
    last_seq: i64,
    /// The highest id of a stream.
    last_stream: Uuid,
}

/// The reason why nothing can be checked.
#[derive(Debug, thiserror::Error)]
pub enum BoundsError {
    /// Postgres failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The role sees only some of the rows.
    #[error(
        "this database role does not see every event, because row-level security binds it: connect \
         with a login that is a member of clustergenie_service"
    )]
    Blindfolded,
}

impl Bounds {
    /// Reads the bounds of an audit.
    ///
    /// # Errors
    /// When Postgres fails, or would not show every row.
    pub async fn read(pool: &PgPool) -> Result<Self, BoundsError> {
        let unavailable = || StoreError::unavailable("reading the head of the log");
        let blindfolded: bool = sqlx::query_scalar(
            "select row_security_active('es.events') and not pg_has_role('clustergenie_service', 'USAGE')",
        )
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
    /// Runs a statement that compares one page, and adds the result to the findings. The statement returns
    /// a row with `compared`, `differences` and, of the first difference, `position`, `stream_id`,
    /// `version`, `expected` and `found`. Returns that row.
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
