//! Connections that lead to a server which does not take writes any more.

use event_store::error::StoreError;
use event_store::lease;
use event_store::pool::{self, Purpose, renewal};
use sqlx::{AssertSqlSafe, PgPool};
use testkit::postgres::TestDatabase;
use testkit::wait::until;

/// Writes something, and returns the reason of a failure.
async fn write(pool: &PgPool) -> Result<(), String> {
    let written = lease::acquire(pool, "of this test", "me").await;
    written.map(drop).map_err(|failed| match failed {
        StoreError::Unavailable { source, .. } => source.to_string(),
        other => other.to_string(),
    })
}

/// Ends the sessions of commands, so that others are opened.
async fn end_sessions(admin: &PgPool) {
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where datname = current_database() and application_name = 'clustergenie commands'",
    )
    .execute(admin)
    .await
    .expect("Postgres answers");
}

async fn set_read_only(admin: &PgPool, setting: &str) {
    let statement = format!(
        "begin read write; \
         do $$ begin execute format('alter database %I {setting}', current_database()); end $$; \
         commit"
    );
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(admin)
        .await
        .expect("Postgres answers");
}

#[tokio::test]
async fn a_connection_that_cannot_write_is_given_up_after_the_first_write_that_fails() {
    let database = TestDatabase::new().await;
    let admin = database.pool();
    let commands = pool::connect(&database.url(), Purpose::Commands, 3)
        .await
        .expect("connects");
    write(&commands).await.expect("is written");
    // Sessions keep the setting with which they began, as they keep the server to which they lead.
    set_read_only(&admin, "set default_transaction_read_only = on").await;
    end_sessions(&admin).await;
    until("a session of the read-only server is used", async || {
        write(&commands)
            .await
            .err()
            .filter(|why| why.contains("read-only"))
    })
    .await;
    set_read_only(&admin, "reset default_transaction_read_only").await;
    until("another session is used", async || {
        write(&commands).await.ok()
    })
    .await;
}

#[tokio::test]
async fn who_writes_does_not_begin_on_a_server_that_is_read_only() {
    let database = TestDatabase::new().await;
    set_read_only(&database.pool(), "set default_transaction_read_only = on").await;
    for purpose in [
        Purpose::Commands,
        Purpose::Relay,
        Purpose::Consumers,
        Purpose::Maintenance,
    ] {
        let refused = pool::connect(&database.url(), purpose, 1).await;
        let error = refused.expect_err("is refused").to_string();
        assert!(error.contains("connect to the primary"), "{error}");
    }
    for purpose in [Purpose::Queries, Purpose::Audit] {
        let connected = pool::connect(&database.url(), purpose, 1).await;
        connected.expect("reads are possible");
    }
    // Audits never write, wherever they are.
    set_read_only(&database.pool(), "reset default_transaction_read_only").await;
    let audit = pool::connect(&database.url(), Purpose::Audit, 1).await;
    let is_read_only: bool = sqlx::query_scalar(renewal::IS_READ_ONLY)
        .fetch_one(&audit.expect("connects"))
        .await
        .expect("Postgres answers");
    assert!(!is_read_only, "the session is, and the server is not");
}
