//! The append takes its locks in one order, so that no two statements wait for each other.

use event_store::envelope::StreamId;
use event_store::write::append::{Append, Outcome};
use event_store::write::idempotency::Keyed;
use event_store::write::name::NameChange;
use sqlx::PgPool;
use testkit::postgres::TestDatabase;

use crate::support::{
    append, append_to, name, new_stream, places, taking_key, taking_one, until_one_waits_for_a_lock,
};

/// What a command needs, in the order in which the append takes it.
struct Needs {
    known: StreamId,
    opened: StreamId,
}

impl Needs {
    /// One statement a thing, each of which takes it, or waits for whoever has it.
    fn takings(&self) -> [String; 5] {
        let (known, opened) = (self.known.uuid, self.opened.uuid);
        [
            format!("select from es.streams where stream_id = '{known}' for update"),
            "select from es.counters for update".to_owned(),
            format!("insert into es.streams values ('{opened}', 'droplet', 'acme', 1)"),
            format!(
                "insert into es.reservations values ('acme', 'droplet_name', 'web', '{opened}')"
            ),
            taking_key("k", "1"),
        ]
    }

    fn command(&self) -> Append {
        let opened = append_to(self.opened, 0, 1);
        let mut command = append_to(self.known, 1, 1);
        command.streams.extend(opened.streams);
        command.counters = vec![taking_one(places("a"), 99)];
        command.names = vec![NameChange::Take(name("web"), self.opened)];
        command.keyed = Some(Keyed {
            key: "k".to_owned(),
            request_hash: [7; 16],
            receipt: "1".to_owned(),
        });
        command
    }
}

/// Whether nobody has what the statement takes.
async fn is_free(pool: &PgPool, taking: &str) -> bool {
    let mut probe = pool.begin().await.expect("begins");
    sqlx::query("set local lock_timeout = '100ms'")
        .execute(&mut *probe)
        .await
        .expect("Postgres answers");
    let taken = sqlx::query(sqlx::AssertSqlSafe(taking))
        .execute(&mut *probe)
        .await;
    probe.rollback().await.expect("rolls back");
    taken.is_ok()
}

#[tokio::test]
async fn streams_then_counters_then_new_streams_then_names_then_keys() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for waits_at in 0..5 {
        let needs = Needs {
            known: new_stream(),
            opened: new_stream(),
        };
        sqlx::raw_sql("delete from es.reservations; delete from es.idempotency")
            .execute(&pool)
            .await
            .expect("Postgres answers");
        let mut known = append_to(needs.known, 0, 1);
        known.counters = vec![taking_one(places("a"), 99)];
        assert_eq!(append(&pool, known).await, Outcome::Appended);

        let takings = needs.takings();
        let mut holder = pool.begin().await.expect("begins");
        sqlx::query(sqlx::AssertSqlSafe(takings[waits_at].as_str()))
            .execute(&mut *holder)
            .await
            .expect("it is free");
        let waiting = async {
            until_one_waits_for_a_lock(&pool).await;
            for (place, taking) in takings.iter().enumerate() {
                if place != waits_at {
                    let free = is_free(&pool, taking).await;
                    assert_eq!(free, place > waits_at, "it waits at {waits_at}: {taking}");
                }
            }
            holder.rollback().await.expect("rolls back");
        };
        let (outcome, ()) = tokio::join!(append(&pool, needs.command()), waiting);
        assert_eq!(outcome, Outcome::Appended);
    }
}
