//! SIGTERM with requests in flight: not ready, wait, close.

use reqwest::{Client, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use testkit::wait::until;

use super::program::{Folder, Up, signal};

#[tokio::test]
async fn on_sigterm_it_is_not_ready_serves_on_and_answers_what_it_has_begun() {
    let folder = Folder::new();
    let settings = ["--listen", "127.0.0.1:0", "--drain-delay", "1500ms"];
    let up = Up::start_with(&folder, &settings).await;
    let (url, token) = (up.ready().url.clone(), up.ready().token.clone());
    let ask = async |document: &str| {
        let request = Client::new()
            .post(format!("{url}/graphql"))
            .bearer_auth(&token);
        let request = request.json(&json!({ "query": document }));
        request.send().await.expect("it is answered")
    };
    // A lock holds a query up, from before the signal until after the close.
    let mut locker = PgConnection::connect(&up.ready().database_url)
        .await
        .unwrap();
    sqlx::raw_sql("begin; lock table droplets_1.droplets in access exclusive mode")
        .execute(&mut locker)
        .await
        .unwrap();
    let query = "{ droplets(first: 1) { totalCount } }";
    let slow = async {
        let answer: Value = ask(query).await.json().await.unwrap();
        assert_eq!(answer["data"]["droplets"]["totalCount"], 0, "{answer}");
    };
    let draining = async {
        until("the query waits", async || {
            let waits = "select exists (select from pg_locks where not granted)";
            let waits: bool = sqlx::query_scalar(waits)
                .fetch_one(&mut locker)
                .await
                .unwrap();
            waits.then_some(())
        })
        .await;
        up.ask_to_stop();
        until("it is not ready", async || {
            let ready = reqwest::get(format!("{url}/readyz")).await.unwrap();
            if ready.status() == StatusCode::OK {
                return None;
            }
            let ready: Value = ready.json().await.unwrap();
            assert_eq!(ready["parts"][0]["name"], "process", "{ready}");
            Some(())
        })
        .await;
        // New requests are served, and their connections end.
        let answer = ask("{ viewer { subject } }").await;
        assert_eq!(answer.headers()["connection"], "close");
        assert_eq!(answer.status(), StatusCode::OK);
        until("it is closed", async || {
            reqwest::get(format!("{url}/livez"))
                .await
                .is_err()
                .then_some(())
        })
        .await;
        sqlx::raw_sql("commit").execute(&mut locker).await.unwrap();
        locker.close().await.unwrap();
    };
    tokio::join!(slow, draining);
    assert!(up.ended().await.success());
}

#[tokio::test]
async fn ctrl_c_and_a_second_signal_do_not_wait() {
    for (first, second) in [(Signal::INT, None), (Signal::TERM, Some(Signal::TERM))] {
        let folder = Folder::new();
        let settings = ["--listen", "127.0.0.1:0", "--drain-delay", "1h"];
        let up = Up::start_with(&folder, &settings).await;
        let url = format!("{}/readyz", up.ready().url);
        signal(up.pid(), first);
        if let Some(second) = second {
            until("it is not ready", async || {
                let ready = reqwest::get(&url).await.unwrap();
                (ready.status() != StatusCode::OK).then_some(())
            })
            .await;
            signal(up.pid(), second);
        }
        assert!(up.ended().await.success());
    }
}
