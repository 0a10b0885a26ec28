//! `--archive`: a copy of the log in another server, which may be away.

use std::fs;

use serde_json::json;
use testkit::wait::until;

use super::program::{Folder, Up, run, said};

#[tokio::test]
async fn an_archive_that_is_away_stops_nothing() {
    let folder = Folder::new();
    // Nothing listens there.
    let archive = "esdb://127.0.0.1:1?tls=false";
    let settings = ["--listen", "127.0.0.1:0", "--archive", archive];
    let up = Up::start_with(&folder, &settings).await;
    let provisioned = up
        .query(
            r#"mutation { provisionDroplet(input: {
                name: "web-1", size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64"
            }) { userErrors { code } } }"#,
        )
        .await;
    assert_eq!(provisioned["provisionDroplet"]["userErrors"], json!([]));
    until("the log says that copying failed", async || {
        let log = fs::read_to_string(folder.path("up.log")).unwrap();
        log.contains("copying to the archive failed").then_some(())
    })
    .await;
    assert!(up.stop().await.success());
}

#[tokio::test]
async fn an_address_that_is_none_of_an_archive_stops_the_program() {
    let folder = Folder::new();
    let serving = ["up", "--data", "data", "--listen", "127.0.0.1:0"];
    let refused = run(
        &folder,
        &[&serving[..], &["--archive", "http://a"]].concat(),
    )
    .await;
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("the archive's URL"),
        "{}",
        said(&refused)
    );
}
