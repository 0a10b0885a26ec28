//! Streams that are held back, because Kafka refused one of their events for good: what the publisher
//! keeps of them in `es.unpublished`, and in memory.
//!
//! Why nothing is lost or doubled. Let P be the position of the last committed record of progress.
//!
//! 1. *Every event up to P is in Kafka exactly once or has a row, never neither*: a row is committed
//!    before the Kafka transaction begins that passes its event.
//! 2. *No event up to P is both, except between a release and the deletion of its rows*: a release is one
//!    Kafka transaction with the events of rows up to P, in order, and a record of progress that leaves
//!    P as it is and names the stream and how far it was released. Its rows are deleted right after the
//!    commit, before any other Kafka transaction begins. Whoever takes over reads that record and
//!    deletes the rows (again); until the next record is committed that finds the same rows or none,
//!    because rows up to P come into being only on the way to P. So the end of a publisher at any point
//!    doubles nothing.
//! 3. *Rows beyond P* are left by a publisher that ended before it committed. Their events are not in
//!    Kafka. They stay: their streams are held back from the start, the log is read past them as past all
//!    events of such streams, and only then they may be released.
//! 4. *Only one writes.* A publisher takes its lease, then fences the one before it in Kafka, then
//!    confirms here, by a statement that locks the lease's row, that the lease is still its own, and only
//!    then reads the rows. Every later statement checks the same. Say A confirmed, and B took the lease
//!    after. From then on A changes no row. B fences A in Kafka before B changes one, so A's Kafka
//!    transactions all ended before. If A was paused between its lease and its fencing, and fences B, it
//!    fails to confirm and sends nothing; B notices, and takes over once more.
//! 5. *Order*: an event of a stream that stands after a row of it is never sent by the way of the log,
//!    and a stream ceases to be held when it has no row, which is when every event of it up to P is in
//!    Kafka or was skipped.
//!
//! Operators change two things: they mark a refused event to be tried again, or as skipped. They cannot
//! skip one that is to be tried again, so what a release has read does not change under it.

use std::collections::{HashMap, HashSet};

use event_store::consume::lease::Lease;
use event_store::envelope::{Position, Positioned, StoredEvent, StreamId};
use event_store::error::StoreError;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

/// Completes a statement that changes what the publisher keeps, so that it does so only under the lease
/// that is bound as `$1` (its name) and `$2` (its epoch), and tells whether it did. The lock lets no
/// other take the lease before the statement has committed.
macro_rules! while_leading {
    ($change:literal) => {
        concat!(
            "with lease as materialized ( \
                 select from es.leases where name = $1 and epoch = $2 for share), ",
            "change as (",
            $change,
            ") select exists (select from lease)"
        )
    };
}

/// How far a stream was released: part of the record of progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Released {
    /// The stream's id.
    pub(crate) stream: Uuid,
    /// Every event of it up to here is in Kafka or was skipped.
    pub(crate) up_to: Position,
}

/// What can go out of one stream.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) stream: Uuid,
    /// Consecutive events of the stream that have rows, at least one.
    pub(crate) positions: Vec<Position>,
}

/// The streams that the publisher that leads holds back.
#[derive(Debug)]
pub(crate) struct Held {
    pool: PgPool,
    lease: Lease,
    /// From which position on each is held back, at the least.
    streams: HashMap<Uuid, Position>,
    /// Beyond the position where this publisher began.
    skipped: HashSet<Position>,
}

impl Held {
    /// Confirms the lease, completes releases that were committed, and reads what is held back. Must be
    /// called after the last publisher was fenced in Kafka, and its record was read from there.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another has the lease by now; [`StoreError::Unavailable`] when
    /// Postgres fails.
    pub(crate) async fn take_over(
        pool: PgPool,
        lease: Lease,
        released: &[Released],
        position: Position,
    ) -> Result<Self, StoreError> {
        let mut held = Self {
            pool,
            lease,
            streams: HashMap::new(),
            skipped: HashSet::new(),
        };
        held.confirm().await?;
        for released in released {
            held.delete(*released).await?;
        }
        let unavailable = || StoreError::unavailable("reading which streams are held back");
        let streams: Vec<(Uuid, i64)> = sqlx::query_as(
            "select stream_id, min(position) from es.unpublished where skipped_at is null \
             group by stream_id",
        )
        .fetch_all(&held.pool)
        .await
        .map_err(unavailable())?;
        let skipped: Vec<i64> = sqlx::query_scalar(
            "select position from es.unpublished where skipped_at is not null and position > $1",
        )
        .bind(position.0)
        .fetch_all(&held.pool)
        .await
        .map_err(unavailable())?;
        let streams = streams.into_iter();
        held.streams.extend(streams.map(|(s, p)| (s, Position(p))));
        held.skipped.extend(skipped.into_iter().map(Position));
        Ok(held)
    }

    /// Whether no stream is held back.
    pub(crate) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Whether an event must wait behind one of its stream that was refused.
    pub(crate) fn holds(&self, event: &Positioned<StoredEvent>) -> bool {
        let first = self.streams.get(&event.event.stream.uuid);
        first.is_some_and(|first| event.position >= *first)
    }

    /// Whether an event must never be sent.
    pub(crate) fn is_skipped(&self, event: &Positioned<StoredEvent>) -> bool {
        self.skipped.contains(&event.position)
    }

    /// Lets events of held streams wait. To be called before the Kafka transaction that passes them.
    pub(crate) async fn let_wait(&self, events: &[(Position, StreamId)]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let leading = sqlx::query_scalar(while_leading!(
            "insert into es.unpublished (position, stream_id, attempts) \
             select w.position, w.stream_id, 0 from lease, \
                 unnest($3::bigint[], $4::uuid[]) w(position, stream_id) \
             on conflict (position) do nothing"
        ))
        .bind(self.lease.name)
        .bind(self.lease.epoch)
        .bind(events.iter().map(|(p, _)| p.0).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, s)| s.uuid).collect::<Vec<_>>())
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::unavailable("holding events back"))?;
        self.provided(leading)
    }

    /// Notes that Kafka refused an event alone, and holds its stream back. To be called before a Kafka
    /// transaction that passes it.
    pub(crate) async fn refuse(
        &mut self,
        position: Position,
        stream: Uuid,
        error: &str,
    ) -> Result<(), StoreError> {
        let leading = sqlx::query_scalar(while_leading!(
            "insert into es.unpublished as u (position, stream_id, error, attempts) \
             select $3, $4, $5, 1 from lease \
             on conflict (position) do update set error = excluded.error, \
                 attempts = u.attempts + 1, last_at = clock_timestamp(), \
                 first_at = case when u.attempts = 0 then clock_timestamp() else u.first_at end, \
                 retry_requested_at = null"
        ))
        .bind(self.lease.name)
        .bind(self.lease.epoch)
        .bind(position.0)
        .bind(stream)
        .bind(error)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::unavailable("noting what Kafka refused"))?;
        self.provided(leading)?;
        let first = self.streams.entry(stream).or_insert(position);
        *first = position.min(*first);
        metrics::counter!("clustergenie_relay_refused_total").increment(1);
        tracing::error!(
            stream.id = %stream,
            position = position.0,
            error,
            "Kafka refuses an event for good; its stream is held back, and all others go on: see \
             `clustergenie unpublished list`"
        );
        Ok(())
    }

    /// Ceases to hold streams that have no row any more, but for skipped events that were passed. One that
    /// was skipped after this publisher began, and before it came there, would be sent otherwise.
    pub(crate) async fn let_go(&mut self, passed: Position) -> Result<(), StoreError> {
        let free: Vec<Uuid> = sqlx::query_scalar(
            "select h.stream_id from unnest($1::uuid[]) h(stream_id) where not exists ( \
                 select from es.unpublished u \
                 where u.stream_id = h.stream_id and (u.skipped_at is null or u.position > $2))",
        )
        .bind(self.streams.keys().copied().collect::<Vec<_>>())
        .bind(passed.0)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::unavailable("looking for streams to let go"))?;
        for stream in free {
            self.streams.remove(&stream);
            tracing::info!(stream.id = %stream, "a stream is not held back any more");
        }
        Ok(())
    }

    /// The stream whose line has stood first for longest without anything refused at its head that
    /// nobody asked to try again, and its events up to `position`, at most `limit`. A refused event comes
    /// alone, since it may be refused again.
    pub(crate) async fn next_release(
        &self,
        position: Position,
        limit: i64,
    ) -> Result<Option<Release>, StoreError> {
        let unavailable = || StoreError::unavailable("looking for streams to release");
        let head: Option<(Uuid, i64, bool)> = sqlx::query_as(
            "select h.stream_id, head.position, head.error is not null \
             from unnest($1::uuid[]) h(stream_id) cross join lateral ( \
                 select u.position, u.error, u.retry_requested_at from es.unpublished u \
                 where u.stream_id = h.stream_id and u.skipped_at is null \
                 order by u.position limit 1) head \
             where head.position <= $2 \
                 and (head.error is null or head.retry_requested_at is not null) \
             order by head.position limit 1",
        )
        .bind(self.streams.keys().copied().collect::<Vec<_>>())
        .bind(position.0)
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable())?;
        let Some((stream, first, was_refused)) = head else {
            return Ok(None);
        };
        if was_refused {
            let positions = vec![Position(first)];
            return Ok(Some(Release { stream, positions }));
        }
        let line: Vec<(i64, bool)> = sqlx::query_as(
            "select position, error is not null from es.unpublished \
             where stream_id = $1 and skipped_at is null and position <= $2 \
             order by position limit $3",
        )
        .bind(stream)
        .bind(position.0)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable())?;
        let waiting = line.into_iter().take_while(|(_, was_refused)| !was_refused);
        let positions = waiting.map(|(p, _)| Position(p)).collect();
        Ok(Some(Release { stream, positions }))
    }

    /// Deletes the rows of what was released. To be called after the release was committed, and before
    /// any other Kafka transaction.
    pub(crate) async fn delete(&self, released: Released) -> Result<(), StoreError> {
        let leading = sqlx::query_scalar(while_leading!(
            "delete from es.unpublished u using lease \
             where u.stream_id = $3 and u.position <= $4 and u.skipped_at is null"
        ))
        .bind(self.lease.name)
        .bind(self.lease.epoch)
        .bind(released.stream)
        .bind(released.up_to.0)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::unavailable("letting released events go"))?;
        self.provided(leading)
    }

    /// Notes how far Kafka is, for metrics.
    pub(crate) async fn note_progress(&self, position: Position) -> Result<(), StoreError> {
        let leading = sqlx::query_scalar(while_leading!(
            "update es.published set position = $3, moved_at = clock_timestamp() \
             from lease where position <> $3"
        ))
        .bind(self.lease.name)
        .bind(self.lease.epoch)
        .bind(position.0)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::unavailable("noting how far Kafka is"))?;
        self.provided(leading)
    }

    async fn confirm(&self) -> Result<(), StoreError> {
        let leading = sqlx::query_scalar(while_leading!("select"))
            .bind(self.lease.name)
            .bind(self.lease.epoch)
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::unavailable("confirming the lease"))?;
        self.provided(leading)
    }

    fn provided(&self, leading: bool) -> Result<(), StoreError> {
        if leading {
            Ok(())
        } else {
            Err(StoreError::Fenced {
                what: format!("the lease `{}`", self.lease.name),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::stream_type::StreamType;
    use event_store::consume::lease;
    use testkit::events::new_stream;
    use testkit::postgres::TestDatabase;

    use super::*;

    async fn leader(pool: &PgPool, owner: &str) -> Result<Held, StoreError> {
        sqlx::query("update es.leases set expires_at = '-infinity'")
            .execute(pool)
            .await
            .unwrap();
        let lease = lease::acquire(pool, "publisher", owner).await?.unwrap();
        Held::take_over(pool.clone(), lease, &[], Position::START).await
    }

    async fn rows(pool: &PgPool) -> Vec<(i64, Option<String>, i32)> {
        sqlx::query_as("select position, error, attempts from es.unpublished order by position")
            .fetch_all(pool)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn one_that_was_taken_over_changes_no_row() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let stream = new_stream(StreamType::JOB);
        let mut old = leader(&pool, "old").await.unwrap();
        old.refuse(Position(1), stream.uuid, "too large")
            .await
            .unwrap();
        old.let_wait(&[(Position(2), stream)]).await.unwrap();
        let before = rows(&pool).await;
        assert_eq!(before, [(1, Some("too large".to_owned()), 1), (2, None, 0)]);

        let new = leader(&pool, "new").await.unwrap();
        let everything = Released {
            stream: stream.uuid,
            up_to: Position(9),
        };
        let attempts = [
            old.refuse(Position(1), stream.uuid, "another").await,
            old.refuse(Position(3), stream.uuid, "another").await,
            old.let_wait(&[(Position(4), stream)]).await,
            old.delete(everything).await,
            old.note_progress(Position(7)).await,
            old.confirm().await,
        ];
        for attempt in attempts {
            assert!(
                matches!(attempt, Err(StoreError::Fenced { .. })),
                "{attempt:?}"
            );
        }
        assert_eq!(rows(&pool).await, before);
        new.delete(everything).await.unwrap();
        assert_eq!(rows(&pool).await, []);
    }

    #[tokio::test]
    async fn a_statement_that_began_under_the_lease_ends_before_another_takes_it() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let held = leader(&pool, "old").await.unwrap();
        // The statement waits for a row that somebody else is inserting, with the lease in its hands.
        let mut other = pool.begin().await.unwrap();
        let stream = new_stream(StreamType::JOB);
        sqlx::query("insert into es.unpublished (position, stream_id, attempts) values (1, $1, 0)")
            .bind(stream.uuid)
            .execute(&mut *other)
            .await
            .unwrap();
        let waiting = [(Position(1), stream), (Position(2), stream)];
        let taking = async {
            testkit::wait::until("the statement waits", async || {
                let waits: bool = sqlx::query_scalar(
                    "select exists (select from pg_stat_activity where wait_event_type = 'Lock' \
                     and datname = current_database() and query like '%es.unpublished%')",
                )
                .fetch_one(&pool)
                .await
                .unwrap();
                waits.then_some(())
            })
            .await;
            let taken = sqlx::query(
                "update es.leases set owner = 'new', epoch = epoch + 1 \
                 where name in (select name from es.leases for update skip locked)",
            )
            .execute(&pool)
            .await
            .unwrap();
            assert_eq!(taken.rows_affected(), 0, "the lease is locked");
            other.commit().await.unwrap();
        };
        let (written, ()) = tokio::join!(held.let_wait(&waiting), taking);
        written.unwrap();
        assert_eq!(rows(&pool).await, [(1, None, 0), (2, None, 0)]);
    }

    #[tokio::test]
    async fn a_stream_is_held_until_what_was_skipped_in_it_is_passed() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let mut recorder = testkit::events::Recorder::new(pool.clone());
        let stream = recorder.jobs(1).await[0];
        testkit::events::sequence(&pool).await;
        let mut held = leader(&pool, "one").await.unwrap();
        held.refuse(Position(2), stream.uuid, "too large")
            .await
            .unwrap();
        event_store::unpublished::skip(&pool, stream.uuid, "ann", "a test")
            .await
            .unwrap();
        held.let_go(Position(1)).await.unwrap();
        assert!(!held.is_empty(), "the skipped event would be sent");
        held.let_go(Position(2)).await.unwrap();
        assert!(held.is_empty());
    }

    #[tokio::test]
    async fn an_event_before_what_is_held_back_still_goes_out() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let mut recorder = testkit::events::Recorder::new(pool.clone());
        let stream = recorder.jobs(1).await[0];
        testkit::events::sequence(&pool).await;
        let mut held = leader(&pool, "one").await.unwrap();
        held.refuse(Position(2), stream.uuid, "too large")
            .await
            .unwrap();
        let events = event_store::log::read(&pool, Position::START, 10)
            .await
            .unwrap();
        let waits: Vec<bool> = events.iter().map(|event| held.holds(event)).collect();
        assert_eq!(waits, [false, true, true]);
    }
}
