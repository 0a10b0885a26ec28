//! The identity of a log: which of its incarnations it is in, and what it kept of the ones before.
//!
//! A log goes back when its database is restored, when a standby takes over that lacks the last commits, or when a
//! copy begins a life of its own. Positions and versions are then given again, to other events. So an incarnation
//! has an id, and every incarnation but the first has a *fork*: the last position, and the last event, that it kept of
//! the incarnation before. Whatever outlives a transaction names the incarnation that it was made in: cursors, tokens,
//! the states that a process remembers, and the record of progress in Kafka.
//!
//! # When an incarnation begins
//!
//! The server has an identity: its system identifier, the database's id, and the timeline of its write-ahead log. A
//! promoted standby and a restore to a point in time have a new timeline, a restored dump has another database or
//! server. [`Incarnations`] compares it with the one of the stored incarnation, and begins a new incarnation if they
//! differ. A restore that keeps the identity, such as that of a snapshot of the disk, is declared by an operator
//! ([`declare`]).
//!
//! # Proof that nothing is decided on what is no more
//!
//! Every statement that appends, sequences, loads for a decision, or follows the log by a position calls
//! `es.demand_incarnation`, with the incarnation that its caller believes in. The call fails, and the statement
//! with it, in three cases: the stored incarnation is another one, it is not that of this server, or the server is a
//! standby.
//!
//! - *Another server answers:* the connections of one pool can lead to two servers after a failover. A statement on
//!   the other one fails by the server's identity, whatever is stored there, because the timelines differ. So states
//!   and positions that were read from one server never meet the other one.
//! - *The same server answers after a restore:* the incarnation is another one after it was declared. A statement has
//!   its snapshot either before or after the commit of the new incarnation. [`declare`] and the renewal take locks
//!   first: `EXCLUSIVE` on `es.streams`, which every append writes, and on `es.log_head`, which every step of the
//!   sequencer writes. (Processes have no right to lock the log itself so.) Postgres takes a statement's locks on tables before its snapshot. So a statement that began
//!   before is committed before the fork is read, and a later one sees the new incarnation. (Dumps and reads do not
//!   conflict with these locks.)
//! - *Several processes notice at once:* the second one gets the locks after the commit of the first, finds the
//!   identity of the server stored, and begins nothing.
//!
//! So the fork is exact. Up to its position, the log is what the incarnation before wrote. Of the events, it kept those
//! up to its number: events that come later draw a higher one, because no append runs meanwhile and the sequence is
//! never behind its table ([`crate::sequence`]).
//!
//! Snapshots, idempotency keys, reservations, checkpoints and leases need no incarnation. They are in the database of
//! the events, and go back with them. But a *write* of a snapshot or of a key rests on a decision, so it demands the
//! incarnation of the decision too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{PgConnection, PgPool};
use tokio::sync;
use uuid::Uuid;

use crate::envelope::Position;
use crate::error::StoreError;
use crate::pool;

mod lineage;

pub use self::lineage::{Incarnation, IncarnationId, Lineage, Lost, Reason};

/// Attempts to find the stored incarnation to be that of the server. The second one sees what the first one began; a
/// third is needed only if another process declares a restore in between.
const ATTEMPTS: usize = 3;

/// The incarnations of a log, as this process knows them. Cheap to clone; clones share what is known.
#[derive(Clone, Debug)]
pub struct Incarnations {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    known: Mutex<Option<Arc<Lineage>>>,
    /// Held while Postgres is asked, so that many callers that noticed a change ask once.
    asking: sync::Mutex<()>,
}

impl Incarnations {
    /// Returns the incarnations of the log of a database. Asks nothing yet.
    #[must_use]
    pub fn of(pool: PgPool) -> Self {
        Self {
            shared: Arc::new(Shared {
                pool,
                known: Mutex::new(None),
                asking: sync::Mutex::new(()),
            }),
        }
    }

    /// Returns the incarnations of the log of a database, after asking for them. Begins a new one if the server's
    /// identity is not that of the stored one.
    ///
    /// # Errors
    /// [`StoreError::Standby`], and when Postgres fails.
    pub async fn open(pool: PgPool) -> Result<Self, StoreError> {
        let incarnations = Self::of(pool);
        incarnations.known().await?;
        Ok(incarnations)
    }

    /// Returns what this process knows, or asks if it knows nothing yet.
    ///
    /// # Errors
    /// [`StoreError::Standby`], and when Postgres fails.
    pub async fn known(&self) -> Result<Arc<Lineage>, StoreError> {
        self.asked_unless(|_| true).await
    }

    /// Returns what this process knows, without asking.
    #[must_use]
    pub fn peek(&self) -> Option<Arc<Lineage>> {
        self.memory().clone()
    }

    /// Returns the incarnations after one that is no longer current: asks, unless another caller noticed before.
    /// Begins a new one if the server's identity is not that of the stored one.
    ///
    /// # Errors
    /// [`StoreError::Standby`], and when Postgres fails.
    pub async fn after(&self, stale: IncarnationId) -> Result<Arc<Lineage>, StoreError> {
        self.asked_unless(|known| known.current().id != stale).await
    }

    /// Returns the incarnations with this one among them, if it is one of the log. Asks if it is not known, since
    /// another process may have noticed a change before.
    ///
    /// # Errors
    /// [`StoreError::Standby`], and when Postgres fails.
    pub async fn with(&self, id: Option<IncarnationId>) -> Result<Arc<Lineage>, StoreError> {
        self.asked_unless(|known| known.has(id)).await
    }

    async fn asked_unless(
        &self,
        is_enough: impl Fn(&Lineage) -> bool,
    ) -> Result<Arc<Lineage>, StoreError> {
        let enough = || self.peek().filter(|known| is_enough(known));
        if let Some(known) = enough() {
            return Ok(known);
        }
        let _one_at_a_time = self.shared.asking.lock().await;
        if let Some(known) = enough() {
            return Ok(known);
        }
        let lineage = Arc::new(ensure(&self.shared.pool).await?);
        let before = self.memory().replace(Arc::clone(&lineage));
        if let Some(before) = before
            && before.current().id != lineage.current().id
        {
            tracing::warn!(
                incarnation = %lineage.current().id,
                fork = lineage.current().fork.0,
                reason = lineage.current().reason.as_str(),
                "the log is in another incarnation: what this process remembered is forgotten"
            );
        }
        Ok(lineage)
    }

    fn memory(&self) -> MutexGuard<'_, Option<Arc<Lineage>>> {
        self.shared
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stored identity against the server's.
struct Compared {
    lineage: Option<Lineage>,
    /// The reason to begin a new incarnation, if there is one.
    due: Option<Reason>,
}

/// Returns the incarnations of the log, of which the current one is that of this server. Begins it if need be.
///
/// # Errors
/// [`StoreError::Standby`], and when Postgres fails.
pub async fn ensure(pool: &PgPool) -> Result<Lineage, StoreError> {
    for _ in 0..ATTEMPTS {
        let mut connection = pool.acquire().await.map_err(failed)?;
        let Compared { lineage, due } = compare(&mut connection).await?;
        drop(connection);
        match (lineage, due) {
            (Some(lineage), None) => return Ok(lineage),
            (_, Some(reason)) => begin(pool, reason, None).await?,
            (None, None) => begin(pool, Reason::First, None).await?,
        }
    }
    Err(StoreError::OtherIncarnation)
}

/// Checks that the log is in an incarnation.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], [`StoreError::Standby`], and when Postgres fails.
pub async fn demand(pool: &PgPool, incarnation: IncarnationId) -> Result<(), StoreError> {
    let demanded = sqlx::query("select es.demand_incarnation($1)").bind(incarnation.0);
    demanded.execute(pool).await.map_err(failed)?;
    Ok(())
}

/// Returns the stored incarnations of the log, without a look at the server: for audits. `None` before the first start.
///
/// # Errors
/// When Postgres fails.
pub async fn stored(pool: &PgPool) -> Result<Option<Lineage>, StoreError> {
    let mut connection = pool.acquire().await.map_err(failed)?;
    let rows = rows(&mut connection).await?;
    Ok(lineage_of(rows))
}

/// Begins a new incarnation of a log that was restored from something with the same identity. Its fork is the head of
/// the log. The caller makes sure that no process runs on what was before.
///
/// # Errors
/// [`StoreError::Standby`], and when Postgres fails.
pub async fn declare(pool: &PgPool, note: &str) -> Result<Lineage, StoreError> {
    // If the identity changed too, that comes first: the reason of the last one is the operator's.
    ensure(pool).await?;
    begin(pool, Reason::Declared, Some(note)).await?;
    ensure(pool).await
}

/// Begins an incarnation, if there is still a reason under the locks.
async fn begin(pool: &PgPool, reason: Reason, note: Option<&str>) -> Result<(), StoreError> {
    let mut transaction = pool::begin(pool).await.map_err(failed)?;
    // Longer than Postgres takes to end an autovacuum that is in the way; shorter waits are for commands.
    sqlx::query("set local lock_timeout = '10s'")
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    sqlx::query("lock table es.streams, es.log_head in exclusive mode")
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let Compared { lineage, due } = compare(&mut transaction).await?;
    let reason = match (due, reason, lineage) {
        (Some(due), _, Some(_)) => due,
        (_, _, None) => Reason::First,
        (None, Reason::Declared, Some(_)) => Reason::Declared,
        // Another process was faster.
        (None, _, Some(_)) => return Ok(()),
    };
    // The first incarnation has nothing before it, also if it is made for a log that is older than this table.
    let begun: (Uuid, i64) = sqlx::query_as(
        "insert into es.incarnations \
             (number, id, fork_position, fork_seq, reason, note, system, database, timeline) \
         select 1 + coalesce((select max(number) from es.incarnations), 0), gen_random_uuid(), \
             case when $1 = 'FIRST' then 0 else coalesce((select max(position) from es.log), 0) end, \
             case when $1 = 'FIRST' then 0 else coalesce((select max(seq) from es.events), 0) end, \
             $1, $2, s.system, s.database, s.timeline \
         from es.server_identity() s returning id, fork_position",
    )
    .bind(reason.as_str())
    .bind(note)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    let (id, fork) = begun;
    if reason == Reason::First {
        tracing::info!(incarnation = %id, "the first incarnation of the log begins");
    } else {
        tracing::warn!(incarnation = %id, fork, reason = reason.as_str(), "a new incarnation of the log begins");
    }
    Ok(())
}

async fn compare(connection: &mut PgConnection) -> Result<Compared, StoreError> {
    let (system, database, timeline): (i64, i64, String) =
        sqlx::query_as("select system, database::bigint, timeline from es.server_identity()")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
    let rows = rows(connection).await?;
    let due = rows
        .last()
        .and_then(|(.., at_system, at_database, at_timeline)| {
            if *at_system != system {
                Some(Reason::Server)
            } else if *at_database != database {
                Some(Reason::Database)
            } else {
                (*at_timeline != timeline).then_some(Reason::Timeline)
            }
        });
    Ok(Compared {
        lineage: lineage_of(rows),
        due,
    })
}

/// A stored incarnation: id, fork and its number, reason, and the identity of the server.
type Row = (Uuid, i64, i64, String, i64, i64, String);

async fn rows(connection: &mut PgConnection) -> Result<Vec<Row>, StoreError> {
    sqlx::query_as(
        "select id, fork_position, fork_seq, reason, system, database::bigint, timeline \
         from es.incarnations order by number",
    )
    .fetch_all(connection)
    .await
    .map_err(failed)
}

fn lineage_of(rows: Vec<Row>) -> Option<Lineage> {
    let incarnations = rows.into_iter();
    let incarnations = incarnations.map(|(id, fork, fork_seq, reason, ..)| Incarnation {
        id: IncarnationId(id),
        fork: Position(fork),
        fork_seq,
        reason: Reason::named(&reason),
    });
    Lineage::new(incarnations.collect())
}

fn failed(source: sqlx::Error) -> StoreError {
    StoreError::asking("looking up the incarnation of the log")(source)
}
