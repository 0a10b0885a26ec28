//! Databases of tests.

use testkit::postgres::TestDatabase;
use testkit::wait;

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
async fn whoever_is_still_connected_is_thrown_out_when_a_test_ends() {
    let (short, long) = tokio::join!(TestDatabase::new(), TestDatabase::new());
    let name = short.url().rsplit_once('/').unwrap().1.to_owned();
    let left_open = short.pool();
    drop(short);
    wait::until("nobody is connected to the database", async || {
        let connected: i64 =
            sqlx::query_scalar("select count(*) from pg_stat_activity where datname = $1")
                .bind(&name)
                .fetch_one(&long.pool())
                .await
                .unwrap();
        (connected == 0).then_some(())
    })
    .await;
    left_open.close().await;
}
