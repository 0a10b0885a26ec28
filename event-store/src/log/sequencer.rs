//! Assigns every committed event its position: dense, final, once.
//!
//! A step reads what one snapshot shows beyond the high mark and in the gaps ([`crate::log::gaps`]). It
//! writes positions for these events in one statement that moves the head of the log by compare-and-set. A
//! sequencer that was taken over finds the head or the epoch changed, writes nothing, and fails as fenced. Both
//! statements demand the incarnation of the log that was taken over: after a restore or a failover, head and epoch may
//! be the same, and the gaps and events that were seen may be no more.
//! A crash between any two statements leaves either the whole step or nothing of it.

use std::sync::Arc;

use sqlx::{PgPool, Row};

use crate::envelope::Position;
use crate::error::StoreError;
use crate::incarnation::{self, IncarnationId};
use crate::lease::Lease;
use crate::log::gaps::{Gaps, Holders};
use crate::{partitions, sequence};

/// The most events in one step: large enough for a backlog, small enough to show progress.
pub const BATCH: i64 = 5_000;

/// The sequencer of the log, while it holds the lease.
#[derive(Debug)]
pub struct Sequencer {
    pool: PgPool,
    epoch: i64,
    /// The incarnation of the log that was taken over. In another one, nothing that this value holds is true.
    incarnation: IncarnationId,
    head: Position,
    gaps: Gaps,
}

/// The events that one snapshot showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The numbers to sequence, ascending: first appearances and late ones.
    seqs: Vec<i64>,
    /// The shard of each of them.
    shards: Vec<i16>,
    /// The organization of each of them.
    orgs: Vec<String>,
    /// The writers that held their lock after the snapshot was taken; empty if nothing was missing.
    holders: Arc<Holders>,
    /// True if there is more than was read.
    more: bool,
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of events that got positions.
    pub sequenced: usize,
    /// The head of the log.
    pub head: Position,
    /// True if another step has work at once.
    pub more: bool,
    /// The count of numbers that are missing and may still appear.
    pub missing: i64,
}

impl Sequencer {
    /// Takes the log over under a lease: from then on an older sequencer's writes fail. Begins a new incarnation of the
    /// log first, if the server's identity changed.
    ///
    /// # Errors
    /// [`StoreError::Standby`], and [`StoreError::Fenced`] when a later lease took over already. [`StoreError::SequenceBehind`] when events could
    /// get numbers that were given up.
    pub async fn take_over(pool: PgPool, lease: &Lease) -> Result<Self, StoreError> {
        sequence::check(&pool).await?;
        // What is needed now exists almost always, so a failure prevents nothing.
        if let Err(error) = partitions::maintain(&pool).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "maintaining partitions failed"
            );
        }
        let incarnation = incarnation::ensure(&pool).await?.current().id;
        let unavailable = || StoreError::asking("taking over the log");
        // One connection: after a failover, another one can lead to another server.
        let mut connection = pool.acquire().await.map_err(unavailable())?;
        let row: Option<(i64, i64)> = sqlx::query_as(
            "update es.log_head set epoch = $1 where epoch < $1 and es.demand_incarnation($2) \
             returning position, low_mark",
        )
        .bind(lease.epoch)
        .bind(incarnation.0)
        .fetch_optional(&mut *connection)
        .await
        .map_err(unavailable())?;
        let Some((head, low)) = row else {
            return Err(fenced());
        };
        // Nobody else writes the log any more, so what is read now stays true.
        let missing: Vec<(i64, i64)> = sqlx::query_as(
            "select seq_before + 1, seq - 1 \
             from (select seq, lag(seq, 1, $1) over (order by seq) as seq_before \
                   from es.log where seq > $1) numbered \
             where seq > seq_before + 1 order by seq",
        )
        .bind(low)
        .fetch_all(&mut *connection)
        .await
        .map_err(unavailable())?;
        let high = "select coalesce((select max(seq) from es.log where seq > $1), $1)";
        let high = sqlx::query_scalar(high)
            .bind(low)
            .fetch_one(&mut *connection)
            .await
            .map_err(unavailable())?;
        drop(connection);
        let gaps = Gaps::recovered(high, &missing);
        Ok(Self {
            pool,
            epoch: lease.epoch,
            incarnation,
            head: Position(head),
            gaps,
        })
    }

    /// Reads and writes once.
    ///
    /// # Errors
    /// After any error this sequencer must not be used again, because it does not know what it wrote. Take
    /// over again.
    pub async fn step(&mut self) -> Result<Step, StoreError> {
        let seen = self.look().await?;
        self.write(&seen).await
    }

    /// Returns the head of the log as this sequencer left it.
    #[must_use]
    pub fn head(&self) -> Position {
        self.head
    }

    /// Runs the first half of a step: one statement, one snapshot, no effect.
    ///
    /// # Errors
    /// When Postgres fails.
    pub async fn look(&self) -> Result<Seen, StoreError> {
        let unavailable = || StoreError::asking("looking for new events");
        let (firsts, lasts) = self.gaps.ranges();
        let row = sqlx::query(include_str!("sequencer_look.sql"))
            .bind(self.gaps.high())
            .bind(BATCH)
            .bind(firsts)
            .bind(lasts)
            .bind(self.incarnation.0)
            .fetch_one(&self.pool)
            .await
            .map_err(unavailable())?;
        let seen = || {
            let seqs: Vec<i64> = row.try_get("seqs")?;
            let fresh = seqs.iter().filter(|seq| **seq > self.gaps.high()).count();
            let holders: Vec<String> = row.try_get("holders")?;
            let (shards, orgs) = (row.try_get("shards")?, row.try_get("orgs")?);
            Ok::<_, sqlx::Error>((seqs, shards, orgs, holders, fresh))
        };
        let (seqs, shards, orgs, holders, fresh) = seen().map_err(unavailable())?;
        let more = i64::try_from(fresh).is_ok_and(|fresh| fresh >= BATCH);
        Ok(Seen {
            seqs,
            shards,
            orgs,
            holders: Arc::new(holders.into_iter().collect()),
            more,
        })
    }

    /// Runs the second half of a step: writes positions, or changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another sequencer took over; [`StoreError::OtherIncarnation`] when the log is in
    /// another incarnation; [`StoreError::Unavailable`] when Postgres fails.
    pub async fn write(&mut self, seen: &Seen) -> Result<Step, StoreError> {
        self.gaps.observe(&seen.seqs, &seen.holders);
        if !seen.seqs.is_empty() {
            let mut after = self.gaps.clone();
            after.take(&seen.seqs);
            let written = sqlx::query(include_str!("sequencer_write.sql"))
                .bind(self.epoch)
                .bind(self.head.0)
                .bind(after.low())
                .bind(&seen.seqs)
                .bind(&seen.shards)
                .bind(&seen.orgs)
                .bind(self.incarnation.0)
                .fetch_optional(&self.pool)
                .await
                .map_err(StoreError::asking("giving positions"))?;
            written.ok_or_else(fenced)?;
            self.gaps = after;
            let given = i64::try_from(seen.seqs.len()).expect("a batch is small");
            self.head = Position(self.head.0 + given);
        }
        Ok(Step {
            sequenced: seen.seqs.len(),
            head: self.head,
            more: seen.more,
            missing: self.gaps.missing(),
        })
    }
}

fn fenced() -> StoreError {
    StoreError::Fenced {
        what: "the log".to_owned(),
    }
}
