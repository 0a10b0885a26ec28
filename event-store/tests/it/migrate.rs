//! A database is brought to the program's version, once, and a newer one is left alone.

use event_store::pool::{self, Purpose};
use schema::migrate::{SchemaError, check, migrate};
use testkit::postgres::TestDatabase;

#[tokio::test]
async fn migrating_twice_and_at_once_is_harmless() {
    let database = TestDatabase::new().await;
    let pool = pool::connect(&database.url(), Purpose::Maintenance, 4)
        .await
        .expect("connects");
    let (first, second) = tokio::join!(migrate(&pool), migrate(&pool));
    first.expect("migrates");
    second.expect("migrates");
    check(&pool).await.expect("is at the program's version");
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values (29990101000000, 'from the future', true, '\\x00', 0)",
    )
    .execute(&pool)
    .await
    .expect("Postgres answers");
    for refused in [migrate(&pool).await, check(&pool).await] {
        let error = refused.expect_err("is refused");
        assert!(
            matches!(
                error,
                SchemaError::Newer {
                    version: 29_990_101_000_000
                }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_older_database_is_named() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query(
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)",
    )
    .execute(&pool)
    .await
    .expect("Postgres answers");
    let error = check(&pool).await.expect_err("is refused");
    assert!(
        error
            .to_string()
            .contains("run `clustergenie migrate` first"),
        "{error}"
    );
}

#[tokio::test]
async fn a_migration_that_was_altered_afterwards_is_named() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("update _sqlx_migrations set checksum = '\\x00'")
        .execute(&pool)
        .await
        .expect("Postgres answers");
    let error = check(&pool).await.expect_err("is refused");
    assert!(matches!(error, SchemaError::Altered { .. }), "{error}");
}
