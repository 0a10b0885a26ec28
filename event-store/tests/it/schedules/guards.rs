//! What a command read and did not write is as it was when the command commits, whatever two commands
//! do that each write what the other one read; and such commands do not end in a deadlock.

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::envelope::{StreamId, Version};
use event_store::write::append::Append;
use sqlx::PgPool;
use testkit::schedules::{Actor, AfterCrash, Bounds, Mutation, Scene, Stage};
use uuid::Uuid;

use super::{assert_missed, empty, explored};
use crate::support::{append, append_to};

/// `a` writes the streams 1 and 2 and reads 3; `b` writes 3 and reads 1. A third transaction holds
/// stream 2, so that `a` can be met halfway.
#[derive(Debug, Default)]
struct Skew {
    mutations: Vec<Mutation>,
}

fn stream(number: u128) -> StreamId {
    StreamId {
        stream_type: StreamType::DROPLET,
        uuid: Uuid::from_u128(number),
    }
}

fn command(writes: &[u128], read: u128) -> Append {
    let writes = writes.iter().map(|number| append_to(stream(*number), 1, 1));
    let streams = writes.flat_map(|append| append.streams).collect();
    Append {
        streams,
        reads: vec![(stream(read), Version(1))],
        ..append_to(stream(0), 1, 1)
    }
}

impl Skew {
    fn rival(&self, name: &'static str, writes: &'static [u128], read: u128) -> Actor {
        let rival = move |stage: Stage| async move {
            append(&stage.pool, command(writes, read)).await;
        };
        Actor::new(name, rival).mutated(self.mutations.iter().copied())
    }
}

#[async_trait]
impl Scene for Skew {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        for number in [1, 2, 3] {
            append(pool, append_to(stream(number), 0, 1)).await;
        }
    }

    fn actors(&self) -> Vec<Actor> {
        let hold = |stage: Stage| async move {
            let begin = async {
                let mut transaction = stage.pool.begin().await.expect("begins");
                let lock = "select from es.streams \
                     where stream_id = '00000000-0000-0000-0000-000000000002' for update";
                let locked = sqlx::query(lock).execute(&mut *transaction).await;
                locked.expect("Postgres answers");
                transaction
            };
            let transaction = stage.before(begin).await;
            transaction.rollback().await.expect("rolls back");
        };
        vec![
            Actor::new("holder", hold).after_crash(AfterCrash::Gone),
            self.rival("a", &[1, 2], 3),
            self.rival("b", &[3], 1),
        ]
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        let versions: Vec<i64> =
            sqlx::query_scalar("select version from es.streams order by stream_id")
                .fetch_all(pool)
                .await
                .expect("Postgres answers");
        match versions[..] {
            [2, 2, 1] | [1, 1, 2] => Ok(()),
            _ => Err(format!("the streams are at the versions {versions:?}")),
        }
    }
}

#[tokio::test]
async fn of_two_commands_that_write_what_the_other_read_one_wins() {
    let skew = Skew::default();
    explored("write skew", &skew, Bounds::ALL_WITH_A_CRASH)
        .await
        .assert_holds();
    let explored = explored("write skew", &skew, Bounds::ALL).await;
    explored.assert_holds();
    // Each actor has its one statement: nobody was undone, and had to try again alone.
    assert_eq!(explored.steps, 3 * explored.schedules);
}

#[tokio::test]
async fn what_was_read_is_compared_and_locked() {
    for (what, mutation) in [
        (
            "a read that is not compared",
            Mutation {
                find: "coalesce(read_version, 0) <> expected",
                replace: "false",
            },
        ),
        (
            "a read that is not locked",
            Mutation {
                find: "for no key update of s",
                replace: "",
            },
        ),
    ] {
        let mutations = vec![mutation];
        assert_missed(what, &Skew { mutations }, Bounds::ALL).await;
    }
}

/// Locked first what is written and then what is read, the two meet in a deadlock. One of them is undone
/// and tried again alone, which is right as well, after a second's wait.
#[tokio::test]
async fn streams_are_locked_in_one_order_whatever_is_done_to_them() {
    let skew = Skew {
        mutations: vec![Mutation {
            find: "order by stream_id, org_id",
            replace: "order by is_written desc, stream_id",
        }],
    };
    let explored = explored("streams in another order", &skew, Bounds::ALL).await;
    explored.assert_holds();
    assert!(explored.mutated > 0);
    assert!(explored.steps > 3 * explored.schedules, "{explored}");
}
