//! Transactions that nobody waits for any more leave nothing behind.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use event_store::pool::{self, Purpose};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPoolOptions;
use testkit::postgres::TestDatabase;

/// How often a beginning is looked at before its caller is given up: from before anything was sent to after
/// Postgres has answered.
const LOOKS: usize = 12;

#[tokio::test]
async fn a_transaction_that_was_given_up_while_it_began_holds_nobody_s_writes_back() {
    let database = TestDatabase::new().await;
    let others = database.pool();
    sqlx::query("create table written (n bigint)")
        .execute(&others)
        .await
        .expect("Postgres answers");
    let only_one = PgPoolOptions::new()
        .max_connections(1)
        .connect(&database.url())
        .await
        .expect("connects");
    for looks in 0..LOOKS {
        {
            let mut beginning = pin!(pool::begin(&only_one));
            for _ in 0..looks {
                let mut context = Context::from_waker(Waker::noop());
                if beginning.as_mut().poll(&mut context).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        sqlx::query("insert into written values ($1)")
            .bind(i64::try_from(looks).expect("it is small"))
            .execute(&only_one)
            .await
            .expect("is written");
        let written: i64 = sqlx::query_scalar("select count(*) from written")
            .fetch_one(&others)
            .await
            .expect("Postgres answers");
        assert_eq!(written, i64::try_from(looks).expect("it is small") + 1);
    }
}

#[tokio::test]
async fn commits_wait_for_the_disk_whatever_the_server_says() {
    let database = TestDatabase::new().await;
    let name: String = sqlx::query_scalar("select current_database()")
        .fetch_one(&database.pool())
        .await
        .expect("Postgres answers");
    for (of_server, expected) in [
        ("off", "on"),
        ("local", "local"),
        ("remote_apply", "remote_apply"),
    ] {
        let set = format!("alter database \"{name}\" set synchronous_commit = {of_server}");
        sqlx::query(AssertSqlSafe(set))
            .execute(&database.pool())
            .await
            .expect("Postgres answers");
        for purpose in [Purpose::Commands, Purpose::Relay, Purpose::Consumers] {
            let pool = pool::connect(&database.url(), purpose, 1)
                .await
                .expect("connects");
            let set: String = sqlx::query_scalar("show synchronous_commit")
                .fetch_one(&pool)
                .await
                .expect("Postgres answers");
            assert_eq!(set, expected, "{purpose:?}");
        }
    }
}
