//! `bench trace load`: a file is loaded once however often it is sent, through whatever happens to the
//! platform meanwhile.

use serde_json::Value;
use sqlx::PgPool;
use testkit::port;
use testkit::wait::until;

use super::agreement::assert_all_agree;
use super::program::{Folder, Up, printed, query, run};
use super::trace_file::{FILE, end, load, trace};

#[tokio::test]
async fn a_load_survives_a_killed_platform_and_a_second_one_changes_nothing() {
    const OF_EACH: usize = 40;
    let folder = Folder::new();
    folder.write(FILE, &trace(OF_EACH));
    let address = format!("127.0.0.1:{}", port::free());
    let settings = ["--listen", &address];

    let up = Up::start_with(&folder, &settings).await;
    let url = format!("http://{address}/graphql");
    let killing = async {
        let database = PgPool::connect(&up.ready().database_url).await.unwrap();
        until("a part of the trace is there", async || {
            let events = count_events(&database).await;
            (events > 50).then_some(())
        })
        .await;
        up.kill().await;
        Up::start_with(&folder, &settings).await
    };
    let (table, up) = tokio::join!(load(&folder, &url, &[]), killing);
    assert_end(&table, OF_EACH);
    assert!(
        table["retried"].as_u64().unwrap() > 0,
        "it was killed in the middle: {table}"
    );

    let database = PgPool::connect(&up.ready().database_url).await.unwrap();
    let events = count_events(&database).await;
    let second = load(&folder, &url, &[]).await;
    assert_end(&second, OF_EACH);
    assert_eq!(
        count_events(&database).await,
        events,
        "the second load wrote nothing"
    );

    assert_all_agree(&up, &database, &table).await;
    assert!(up.stop().await.success());
}

#[tokio::test]
async fn a_load_ends_while_others_write() {
    const OF_EACH: usize = 2;
    let folder = Folder::new();
    folder.write(FILE, &trace(OF_EACH));
    // What others write is the platform's to make, but not within this test.
    let up = Up::start_with(&folder, &["--listen", "127.0.0.1:0", "--step-delay", "1h"]).await;
    let signed = run(
        &folder,
        &[
            "token", "--data", "data", "--org", "acme", "--role", "operator",
        ],
    );
    let token = printed(&signed.await);

    let writing = async {
        for number in 0.. {
            let provision = format!(
                r#"mutation {{ provisionDroplet(input: {{
                    name: "web-{number}", size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64"
                }}) {{ consistencyToken }} }}"#
            );
            query(&up.ready().url, token.trim(), &provision).await;
        }
    };
    let loaded = tokio::select! {
        loaded = load(&folder, &up.ready().url, &[]) => loaded,
        () = writing => unreachable!("numbers do not end"),
    };
    assert_end(&loaded, OF_EACH);
    assert!(up.stop().await.success());
}

fn assert_end(table: &Value, of_each: usize) {
    let (droplets, jobs) = end(of_each);
    assert_eq!(table["droplets"], droplets);
    assert_eq!(table["jobs"], jobs);
    assert_eq!(table["refused"], 0);
}

async fn count_events(database: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from es.events")
        .fetch_one(database)
        .await
        .unwrap()
}
