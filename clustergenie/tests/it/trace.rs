//! `clustergenie trace load`: all or nothing of a file, once however often it is loaded, through
//! whatever happens to the platform meanwhile.

use std::process::{Output, Stdio};

use serde_json::Value;
use sqlx::PgPool;
use testkit::wait::until;

use super::agreement::assert_all_agree;
use super::program::{Folder, Up, free_port, printed, program, query, run, said};
use super::trace_file::{end, trace};

#[tokio::test]
async fn a_bad_file_is_refused_before_anything_is_sent() {
    let folder = Folder::new();
    folder.write(
        "bad.csv",
        &trace(2).replace("evicted-1,1000", "evicted-1,much"),
    );
    // Nothing listens there: whoever sent something would say so.
    let refused = run(
        &folder,
        &[
            "trace",
            "load",
            "bad.csv",
            "--url",
            "http://127.0.0.1:1",
            "--token",
            "none",
        ],
    )
    .await;
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("line 10, column 2 (`cpu_milli`): \"much\" is not a whole number"),
        "{}",
        said(&refused)
    );
}

#[tokio::test]
async fn a_load_survives_a_killed_platform_and_a_second_one_changes_nothing() {
    const OF_EACH: usize = 40;
    let folder = Folder::new();
    folder.write("made-up.csv", &trace(OF_EACH));
    let address = format!("127.0.0.1:{}", free_port());
    let settings = ["--listen", &address];

    let up = Up::start_with(&folder, &settings).await;
    let loading = program(&folder, load(&address))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let database = PgPool::connect(&up.ready().database_url).await.unwrap();
    until("a part of the trace is there", async || {
        let events = count_events(&database).await;
        (events > 50).then_some(())
    })
    .await;
    up.kill().await;
    let up = Up::start_with(&folder, &settings).await;
    let first = loading.wait_with_output().await.unwrap();
    assert_end(&first, OF_EACH);
    let table: Value = serde_json::from_str(&printed(&first)).unwrap();
    assert!(
        table["retried"].as_u64().unwrap() > 0,
        "it was killed in the middle: {table}"
    );

    let database = PgPool::connect(&up.ready().database_url).await.unwrap();
    let events = count_events(&database).await;
    let second = program(&folder, load(&address)).output().await.unwrap();
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
    folder.write("made-up.csv", &trace(OF_EACH));
    let address = format!("127.0.0.1:{}", free_port());
    // What others write is the platform's to make, but not within this test.
    let up = Up::start_with(&folder, &["--listen", &address, "--step-delay", "1h"]).await;
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
        loaded = async { program(&folder, load(&address)).output().await } => loaded.unwrap(),
        () = writing => unreachable!("numbers do not end"),
    };
    assert_end(&loaded, OF_EACH);
    assert!(up.stop().await.success());
}

/// Arguments that load the made-up trace into the organization of the ready token.
fn load(address: &str) -> Vec<String> {
    let url = format!("http://{address}/graphql");
    [
        "trace",
        "load",
        "made-up.csv",
        "--data",
        "data",
        "--json",
        "--url",
        &url,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn assert_end(load: &Output, of_each: usize) {
    let table: Value = serde_json::from_str(&printed(load)).unwrap();
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
