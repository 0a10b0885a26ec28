//! A server that does not take writes any more, as after a failover.

use reqwest::StatusCode;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use testkit::wait::until;

use super::program::{Folder, Up};

const QUERY: &str = "{ droplets(first: 1) { totalCount } }";

/// The processes of the server that answered queries.
async fn sessions(admin: &mut PgConnection) -> Vec<i32> {
    let sessions = "select pid from pg_stat_activity where application_name = 'clustergenie queries' \
                    and query like '%droplets%'";
    sqlx::query_scalar(sessions).fetch_all(admin).await.unwrap()
}

#[tokio::test]
async fn a_server_that_is_read_only_is_noticed_and_left() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    up.query(QUERY).await;
    let mut admin = PgConnection::connect(&up.ready().database_url)
        .await
        .unwrap();
    sqlx::query("set default_transaction_read_only = off")
        .execute(&mut admin)
        .await
        .unwrap();
    let before = sessions(&mut admin).await;
    assert!(!before.is_empty());
    let readyz = async || {
        let ready = reqwest::get(format!("{}/readyz", up.ready().url))
            .await
            .unwrap();
        let status = ready.status();
        (
            status,
            ready.json::<Value>().await.unwrap()["parts"][0].clone(),
        )
    };
    for statement in [
        "alter system set default_transaction_read_only = on",
        "select pg_reload_conf()",
    ] {
        sqlx::query(statement).execute(&mut admin).await.unwrap();
    }
    until("it is not ready", async || {
        let (status, postgres) = readyz().await;
        let reason = postgres["reason"].as_str().unwrap_or_default();
        (status != StatusCode::OK && reason.contains("read-only")).then_some(())
    })
    .await;
    // Reads are answered, by sessions that were opened afterwards.
    up.query(QUERY).await;
    for statement in [
        "alter system reset default_transaction_read_only",
        "select pg_reload_conf()",
    ] {
        sqlx::query(statement).execute(&mut admin).await.unwrap();
    }
    until("it is ready", async || {
        (readyz().await.0 == StatusCode::OK).then_some(())
    })
    .await;
    up.query(QUERY).await;
    let after = sessions(&mut admin).await;
    assert!(
        before.iter().all(|pid| !after.contains(pid)),
        "{before:?} {after:?}"
    );
    admin.close().await.unwrap();
    assert!(up.stop().await.success());
}
