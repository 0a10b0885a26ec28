//! Databases of tests.

use testkit::postgres::TestDatabase;

#[tokio::test]
async fn two_databases_are_migrated_and_do_not_meet() {
    let (one, two) = tokio::join!(TestDatabase::new(), TestDatabase::new());
    sqlx::query("update es.log_head set position = 7")
        .execute(&one.pool())
        .await
        .unwrap();
    let head = event_store::log::head(&two.pool()).await.unwrap();
    assert_eq!(head.0, 0);
}

#[tokio::test]
async fn a_database_is_gone_after_its_test_even_while_someone_is_connected() {
    let (short, long) = tokio::join!(TestDatabase::new(), TestDatabase::new());
    let name = short.url().rsplit_once('/').unwrap().1.to_owned();
    drop(short);
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(name)
            .fetch_one(&long.pool())
            .await
            .unwrap();
    assert!(!exists);
}
