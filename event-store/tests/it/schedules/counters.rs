//! Of those that want the last places of a counter at the same time exactly as many get one as there are
//! places, whoever has to wait for whom, also when the counter is new; and what requires a count of
//! zero never commits beside what raises it.

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::envelope::{StreamId, Version};
use event_store::write::append::{Append, append_batch};
use event_store::write::counter::CounterChange;
use sqlx::PgPool;
use testkit::schedules::{Actor, AfterCrash, Bounds, Mutation, Scene, Stage};
use uuid::Uuid;

use super::{assert_missed, empty, explored};
use crate::support::{append, append_to, count_of, places, prepared, taking_one};

fn stream(number: u128) -> StreamId {
    StreamId {
        stream_type: StreamType::DROPLET,
        uuid: Uuid::from_u128(number),
    }
}

/// Whether the counter's row is there when the schedule begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    There,
    Missing,
}

/// What a third transaction does with the place that it has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    GivesItBack,
    KeepsIt,
}

/// Two processes want places, each for commands of one statement, while a third transaction has taken one.
#[derive(Debug)]
struct Places {
    row: Row,
    holder: Holder,
    /// How many places there are.
    of: i64,
    /// How many each process wants, in one batch.
    each: u128,
    mutation: Option<Mutation>,
}

impl Places {
    fn wanted_by(&self, name: &'static str, first: u128) -> Actor {
        let (each, of) = (self.each, self.of);
        let take = move |stage: Stage| async move {
            let one = |number| Append {
                counters: vec![taking_one(places("seats"), of)],
                ..append_to(stream(number), 0, 1)
            };
            let batch: Vec<_> = (first..first + each).map(one).map(prepared).collect();
            append_batch(&stage.pool, &batch)
                .await
                .expect("Postgres answers");
        };
        Actor::new(name, take).mutated(self.mutation)
    }

    /// Places that are left for the two processes.
    fn left(&self) -> i64 {
        self.of - i64::from(self.holder == Holder::KeepsIt)
    }
}

#[async_trait]
impl Scene for Places {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        if self.row == Row::There {
            sqlx::query("insert into es.counters values ('acme', 'places', 'seats', 0)")
                .execute(pool)
                .await
                .expect("Postgres answers");
        }
    }

    fn actors(&self) -> Vec<Actor> {
        let holder = self.holder;
        let hold = move |stage: Stage| async move {
            let begin = async {
                let mut transaction = stage.pool.begin().await.expect("begins");
                let take = "insert into es.counters as c values ('acme', 'places', 'seats', 1) \
                     on conflict (org_id, scope, key) do update set count = c.count + 1";
                let taken = sqlx::query(take).execute(&mut *transaction).await;
                taken.expect("a place is free");
                transaction
            };
            let transaction = stage.before(begin).await;
            match holder {
                Holder::GivesItBack => transaction.rollback().await.expect("rolls back"),
                Holder::KeepsIt => transaction.commit().await.expect("commits"),
            }
        };
        vec![
            Actor::new("holder", hold).after_crash(AfterCrash::Gone),
            self.wanted_by("a", 1),
            self.wanted_by("b", 101),
        ]
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        let taken: i64 = sqlx::query_scalar("select count(*) from es.streams")
            .fetch_one(pool)
            .await
            .expect("Postgres answers");
        let count = count_of(pool, "seats").await;
        // With a crash before its commit, the holder gives its place back.
        let kept = count.unwrap_or_default() - taken;
        let full = taken == self.left() || (taken == self.of && kept == 0);
        if full && (0..=1).contains(&kept) && taken + kept <= self.of {
            return Ok(());
        }
        Err(format!(
            "{taken} of {} places are taken, and the count is {count:?}",
            self.of
        ))
    }
}

#[tokio::test]
async fn of_those_that_want_the_last_places_as_many_succeed_as_there_are() {
    let with_a_crash = Bounds::ALL_WITH_A_CRASH;
    // A command that has to make the row goes twice, which makes many more schedules.
    let few_with_a_crash = Bounds {
        preemptions: Some(0),
        ..with_a_crash
    };
    for (row, holder, of, each, bounds) in [
        (Row::There, Holder::GivesItBack, 1, 1, with_a_crash),
        (Row::There, Holder::KeepsIt, 2, 1, with_a_crash),
        (Row::Missing, Holder::GivesItBack, 1, 1, Bounds::ALL),
        (Row::Missing, Holder::KeepsIt, 2, 1, Bounds::ALL),
        (Row::Missing, Holder::KeepsIt, 2, 1, few_with_a_crash),
        (Row::There, Holder::GivesItBack, 3, 2, Bounds::ALL),
    ] {
        let scene = Places {
            row,
            holder,
            of,
            each,
            mutation: None,
        };
        explored(&format!("{scene:?}"), &scene, bounds)
            .await
            .assert_holds();
    }
}

#[tokio::test]
async fn each_part_of_the_proof_is_missed() {
    let scene = |row, of, each, find, replace| Places {
        row,
        holder: Holder::GivesItBack,
        of,
        each,
        mutation: Some(Mutation { find, replace }),
    };
    let lock = "(c.org_id, c.scope, c.key)\n        for no key update";
    for (what, scene) in [
        (
            "a count that is not locked",
            scene(Row::There, 1, 1, lock, "(c.org_id, c.scope, c.key)"),
        ),
        (
            "a missing row that counts as zero",
            scene(
                Row::Missing,
                1,
                1,
                "locked.count\n    from",
                "coalesce(locked.count, 0) as count\n    from",
            ),
        ),
        (
            "commands of one statement that do not know of each other",
            scene(
                Row::There,
                3,
                2,
                "alone + coalesce(more, 0) > at_most",
                "false",
            ),
        ),
    ] {
        assert_missed(what, &scene, Bounds::ALL).await;
    }
}

/// A member joins a group that it read as open, and adds one to the group's count; the group is closed,
/// which requires that nobody is in it.
#[derive(Debug, Default)]
struct Closing {
    mutation: Option<Mutation>,
}

#[async_trait]
impl Scene for Closing {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        append(pool, append_to(stream(1), 0, 1)).await;
        sqlx::query("insert into es.counters values ('acme', 'places', 'seats', 0)")
            .execute(pool)
            .await
            .expect("Postgres answers");
    }

    fn actors(&self) -> Vec<Actor> {
        let hold = |stage: Stage| async move {
            let begin = async {
                let mut transaction = stage.pool.begin().await.expect("begins");
                let lock = "select from es.counters for update";
                let locked = sqlx::query(lock).execute(&mut *transaction).await;
                locked.expect("Postgres answers");
                transaction
            };
            let transaction = stage.before(begin).await;
            transaction.rollback().await.expect("rolls back");
        };
        let join = |stage: Stage| async move {
            let joining = Append {
                reads: vec![(stream(1), Version(1))],
                counters: vec![taking_one(places("seats"), 9)],
                ..append_to(stream(2), 0, 1)
            };
            append(&stage.pool, joining).await;
        };
        let close = |stage: Stage| async move {
            let none = CounterChange {
                counter: places("seats"),
                added: 0,
                within: Some(0..=0),
            };
            let closing = Append {
                counters: vec![none],
                ..append_to(stream(1), 1, 1)
            };
            append(&stage.pool, closing).await;
        };
        vec![
            Actor::new("holder", hold).after_crash(AfterCrash::Gone),
            Actor::new("member", join).mutated(self.mutation),
            Actor::new("closing", close).mutated(self.mutation),
        ]
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        let (closed, joined): (i64, i64) = sqlx::query_as(
            "select count(*) filter (where version = 2), \
                 count(*) filter (where stream_id <> '00000000-0000-0000-0000-000000000001') \
             from es.streams",
        )
        .fetch_one(pool)
        .await
        .expect("Postgres answers");
        let count = count_of(pool, "seats").await;
        if closed + joined != 1 || count != Some(joined) {
            return Err(format!(
                "{joined} joined a group that was closed {closed} times, and the count is {count:?}"
            ));
        }
        Ok(())
    }
}

#[tokio::test]
async fn what_must_be_empty_is_not_closed_while_it_is_joined() {
    let scene = Closing::default();
    explored("closing", &scene, Bounds::ALL_WITH_A_CRASH)
        .await
        .assert_holds();
    for (find, replace) in [
        // The member does not notice that the group was closed.
        ("coalesce(read_version, 0) <> expected", "false"),
        // The closing sees the count of before it had to wait.
        (
            "(c.org_id, c.scope, c.key)\n        for no key update",
            "(c.org_id, c.scope, c.key)",
        ),
    ] {
        let mutation = Some(Mutation { find, replace });
        assert_missed(find, &Closing { mutation }, Bounds::ALL).await;
    }
}
