//! The explorer on a counter that all actors raise: it runs every schedule and finds the broken ones.

use sqlx::{Connection, PgConnection};

use super::*;

/// A way to raise the counter.
#[derive(Clone, Copy, Debug)]
enum Raise {
    /// Two statements without a lock in between.
    ReadThenWrite,
    /// The same in a transaction that locks the row.
    ReadForUpdateThenWrite,
    /// The actor's own row and then that of the other, which can deadlock.
    BothRows,
}

#[derive(Debug)]
struct Counter {
    raise: Raise,
    mutation: Option<Mutation>,
}

#[async_trait]
impl Scene for Counter {
    async fn reset(&self, pool: &PgPool) {
        sqlx::raw_sql(
            "create table if not exists counter (id int primary key, value int not null); \
             delete from counter; insert into counter values (0, 0), (1, 0)",
        )
        .execute(pool)
        .await
        .expect("Postgres answers");
    }

    fn actors(&self) -> Vec<Actor> {
        let actor = |(id, name)| {
            let raise = self.raise;
            Actor::new(name, move |stage| raise_until_done(stage.pool, raise, id))
                .mutated(self.mutation)
        };
        [(0, "one"), (1, "two")].into_iter().map(actor).collect()
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        let values: Vec<i32> = sqlx::query_scalar("select value from counter order by id")
            .fetch_all(pool)
            .await
            .expect("Postgres answers");
        let expected = match self.raise {
            Raise::BothRows => [2, 2],
            Raise::ReadThenWrite | Raise::ReadForUpdateThenWrite => [2, 0],
        };
        if values == expected {
            Ok(())
        } else {
            Err(format!("the counter shows {values:?}"))
        }
    }
}

async fn raise_until_done(pool: PgPool, raise: Raise, id: i32) {
    let mut connection = pool.acquire().await.expect("connects");
    // The one that Postgres ends because of a deadlock tries again.
    while raise_once(&mut connection, raise, id).await.is_err() {}
}

async fn raise_once(
    connection: &mut PgConnection,
    raise: Raise,
    id: i32,
) -> Result<(), sqlx::Error> {
    match raise {
        Raise::ReadThenWrite => {
            let value: i32 = sqlx::query_scalar("select value from counter where id = 0")
                .fetch_one(&mut *connection)
                .await?;
            sqlx::query("update counter set value = $1 + 1 where id = 0")
                .bind(value)
                .execute(connection)
                .await?;
        }
        Raise::ReadForUpdateThenWrite => {
            let mut transaction = connection.begin().await?;
            let value: i32 =
                sqlx::query_scalar("select value from counter where id = 0 for no key update")
                    .fetch_one(&mut *transaction)
                    .await?;
            sqlx::query("update counter set value = $1 + 1 where id = 0")
                .bind(value)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        }
        Raise::BothRows => {
            let mut transaction = connection.begin().await?;
            for id in [id, 1 - id] {
                sqlx::query("update counter set value = value + 1 where id = $1")
                    .bind(id)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
        }
    }
    Ok(())
}

async fn explored(raise: Raise, mutation: Option<Mutation>, bounds: Bounds) -> Explored {
    let database = TestDatabase::new().await;
    let explored = explore(&database, &Counter { raise, mutation }, bounds).await;
    println!("{raise:?}: {explored}");
    explored
}

#[tokio::test]
async fn a_lost_update_is_found_and_can_be_played_again() {
    let database = TestDatabase::new().await;
    let scene = Counter {
        raise: Raise::ReadThenWrite,
        mutation: None,
    };
    let explored = explore(&database, &scene, Bounds::ALL).await;
    let found = explored
        .violation
        .expect("two of the six schedules are fine");
    assert_eq!(found.what, "the counter shows [1, 0]");
    let text = found.schedule.to_string();
    let again = replay(&database, &scene, &text.parse().expect("is a schedule"))
        .await
        .expect("is wrong again");
    assert_eq!((again.what, again.story), (found.what, found.story));
}

#[tokio::test]
async fn whoever_waits_for_a_lock_goes_on_when_it_is_free() {
    let explored = explored(Raise::ReadForUpdateThenWrite, None, Bounds::ALL).await;
    explored.assert_holds();
    // One of them reads first, and the other asks for the row after one, two or three of its steps.
    assert_eq!((explored.schedules, explored.waited), (6, 4));
}

#[tokio::test]
async fn a_safeguard_that_is_taken_out_is_missed() {
    let mutation = Mutation {
        find: " for no key update",
        replace: "",
    };
    let explored = explored(Raise::ReadForUpdateThenWrite, Some(mutation), Bounds::ALL).await;
    assert!(explored.mutated > 0);
    assert!(explored.violation.is_some());
}

#[tokio::test]
async fn a_deadlock_ends_one_of_them_and_the_other_goes_on() {
    let explored = explored(Raise::BothRows, None, Bounds::ALL).await;
    explored.assert_holds();
    assert!(explored.schedules > 6 && explored.waited > 0, "{explored}");
}

#[tokio::test]
async fn a_crash_rolls_back_and_frees_what_was_held() {
    let explored = explored(
        Raise::ReadForUpdateThenWrite,
        None,
        Bounds::ALL_WITH_A_CRASH,
    )
    .await;
    // Who crashes after its commit raises the counter once more: that is all that may be wrong.
    let violation = explored.violation.expect("a commit is not remembered");
    assert_eq!(violation.what, "the counter shows [3, 0]");
}

#[test]
fn schedules_read_as_they_print() {
    let schedule = Schedule(vec![
        Choice::Step(0),
        Choice::Step(12),
        Choice::Crash(1),
        Choice::Step(1),
        Choice::Rest,
    ]);
    assert_eq!(schedule.to_string(), "0 12 1! 1 .");
    assert_eq!("0 12 1! 1 .".parse(), Ok(schedule));
}
