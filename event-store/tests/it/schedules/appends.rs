//! Appends that want the same thing at the same time have one effect, also when a third one that
//! they had to wait for gives way or wins, and when one of them crashes and sends its command again.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::envelope::StreamId;
use event_store::write::append::{Append, Outcome};
use event_store::write::idempotency::Keyed;
use event_store::write::name::NameChange;
use sqlx::{AssertSqlSafe, PgPool};
use testkit::schedules::{Actor, AfterCrash, Bounds, Mutation, Scene, Stage};
use uuid::Uuid;

use super::{assert_missed, empty, explored};
use crate::support::{append, append_to, name, taking_key};

/// What both want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prize {
    /// The next version of a stream that is at version 1.
    Version,
    /// The first version of a stream.
    Stream,
    /// A name, each for a stream of its own.
    Name,
    /// An idempotency key, each for a stream of its own: one command that was sent twice.
    Key,
}

/// What a transaction does that holds the prize, and has not ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    GivesWay,
    Wins,
}

/// Of the events: the second safeguard of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PrimaryKey {
    There,
    Dropped,
}

#[derive(Debug)]
struct Rivalry {
    prize: Prize,
    holder: Holder,
    mutation: Option<Mutation>,
    keys: PrimaryKey,
    /// What the rivals were told.
    outcomes: Arc<Mutex<Vec<Outcome>>>,
}

impl Rivalry {
    fn over(prize: Prize, holder: Holder) -> Self {
        Self {
            prize,
            holder,
            mutation: None,
            keys: PrimaryKey::There,
            outcomes: Arc::default(),
        }
    }

    fn rival(&self, name: &'static str, number: u128) -> Actor {
        let (prize, outcomes) = (self.prize, Arc::clone(&self.outcomes));
        Actor::new(name, move |stage: Stage| {
            let outcomes = Arc::clone(&outcomes);
            async move {
                let outcome = append(&stage.pool, prize.wanted_by(number)).await;
                outcomes.lock().expect("not poisoned").push(outcome);
            }
        })
        .mutated(self.mutation)
    }
}

#[async_trait]
impl Scene for Rivalry {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        self.outcomes.lock().expect("not poisoned").clear();
        if self.keys == PrimaryKey::Dropped {
            sqlx::query("alter table es.events_1 drop constraint if exists events_1_unique")
                .execute(pool)
                .await
                .expect("Postgres answers");
        }
        if self.prize == Prize::Version {
            append(pool, append_to(stream(1), 0, 1)).await;
        }
    }

    fn actors(&self) -> Vec<Actor> {
        let (prize, holder) = (self.prize, self.holder);
        let hold = move |stage: Stage| async move {
            let begin = async {
                let mut transaction = stage.pool.begin().await.expect("begins");
                let held = sqlx::raw_sql(AssertSqlSafe(prize.hold()))
                    .execute(&mut *transaction)
                    .await;
                held.expect("the prize is free");
                transaction
            };
            let transaction = stage.before(begin).await;
            match holder {
                Holder::GivesWay => transaction.rollback().await.expect("rolls back"),
                Holder::Wins => transaction.commit().await.expect("commits"),
            }
        };
        vec![
            Actor::new("holder", hold).after_crash(AfterCrash::Gone),
            self.rival("a", 1),
            self.rival("b", 2),
        ]
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        let torn: i64 = sqlx::query_scalar(
            "select count(*) from es.streams s where version <> \
                 (select count(*) from es.events e where e.stream_id = s.stream_id)",
        )
        .fetch_one(pool)
        .await
        .expect("Postgres answers");
        let events: i64 = sqlx::query_scalar("select count(*) from es.events")
            .fetch_one(pool)
            .await
            .expect("Postgres answers");
        let receipts: Vec<String> = sqlx::query_scalar("select receipt from es.idempotency")
            .fetch_all(pool)
            .await
            .expect("Postgres answers");
        let before = i64::from(self.prize == Prize::Version);
        let expected = before + 2 * i64::from(self.holder == Holder::GivesWay);
        let outcomes = self.outcomes.lock().expect("not poisoned").clone();
        let won = outcomes.iter().filter(|o| **o == Outcome::Appended).count();
        let is_wrong = |outcome: &Outcome| match outcome {
            Outcome::Repeated(first) => !receipts.contains(&first.receipt),
            Outcome::Appended
            | Outcome::Conflict
            | Outcome::Taken(_)
            | Outcome::Exceeded { .. } => false,
            Outcome::OtherIncarnation => true,
        };
        if torn > 0 || events != expected || won > 1 || outcomes.iter().any(is_wrong) {
            return Err(format!(
                "{events} events instead of {expected}, and the rivals were told {outcomes:?}"
            ));
        }
        Ok(())
    }
}

fn stream(number: u128) -> StreamId {
    StreamId {
        stream_type: StreamType::DROPLET,
        uuid: Uuid::from_u128(number),
    }
}

impl Prize {
    fn wanted_by(self, rival: u128) -> Append {
        match self {
            Self::Version => append_to(stream(1), 1, 2),
            Self::Stream => append_to(stream(1), 0, 2),
            Self::Name => Append {
                names: vec![NameChange::Take(name("web"), stream(rival))],
                ..append_to(stream(rival), 0, 2)
            },
            Self::Key => Append {
                keyed: Some(Keyed {
                    key: "sent twice".to_owned(),
                    request_hash: [7; 16],
                    receipt: format!("{rival}"),
                }),
                ..append_to(stream(rival), 0, 2)
            },
        }
    }

    /// What a third transaction does to hold the prize.
    fn hold(self) -> String {
        match self {
            Self::Version => "select 1 from es.streams for no key update".to_owned(),
            Self::Stream => "insert into es.streams \
                 values ('00000000-0000-0000-0000-000000000001', 'droplet', 'acme', 1)"
                .to_owned(),
            Self::Name => "insert into es.reservations values \
                 ('acme', 'droplet_name', 'web', '00000000-0000-0000-0000-000000000003')"
                .to_owned(),
            Self::Key => taking_key("sent twice", "3"),
        }
    }
}

#[tokio::test]
async fn two_commands_that_want_the_same_have_one_effect() {
    for (prize, holder) in [
        (Prize::Version, Holder::GivesWay),
        (Prize::Stream, Holder::GivesWay),
        (Prize::Name, Holder::GivesWay),
        (Prize::Name, Holder::Wins),
        (Prize::Key, Holder::GivesWay),
        (Prize::Key, Holder::Wins),
    ] {
        let rivalry = Rivalry::over(prize, holder);
        explored(&format!("{prize:?}"), &rivalry, Bounds::ALL_WITH_A_CRASH)
            .await
            .assert_holds();
    }
}

#[tokio::test]
async fn a_key_that_may_be_there_already_is_missed() {
    let mutation = Some(Mutation {
        find: "order by k.key_hash, period",
        replace: "order by k.key_hash, period on conflict do nothing",
    });
    let rivalry = Rivalry {
        mutation,
        ..Rivalry::over(Prize::Key, Holder::GivesWay)
    };
    assert_missed("a key twice", &rivalry, Bounds::ALL).await;
}

/// The statement compares versions, and a key of each partition of the events does: either is enough.
#[tokio::test]
async fn versions_are_guarded_twice() {
    let unguarded = |keys| Rivalry {
        keys,
        mutation: Some(Mutation {
            find: "coalesce(version, 0) <> expected",
            replace: "false",
        }),
        ..Rivalry::over(Prize::Version, Holder::GivesWay)
    };
    explored(
        "a version, by its key",
        &unguarded(PrimaryKey::There),
        Bounds::ALL,
    )
    .await
    .assert_holds();
    let guarded = Rivalry {
        keys: PrimaryKey::Dropped,
        ..Rivalry::over(Prize::Version, Holder::GivesWay)
    };
    explored("a version, by its lock", &guarded, Bounds::ALL)
        .await
        .assert_holds();
    assert_missed(
        "a version twice",
        &unguarded(PrimaryKey::Dropped),
        Bounds::ALL,
    )
    .await;
}
