//! `clustergenie up`: starts everything, gives it to one process at a time, ends in order, and leaves
//! nothing behind when it is killed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::json;
use testkit::wait::until;

use super::program::{Folder, Up, is_running, printed, query, run, said, signal};

#[tokio::test]
async fn it_serves_what_it_announces_and_ends_in_order() {
    let folder = Folder::new();
    let up = Up::start_with(&folder, &["--listen", "127.0.0.1:0", "--step-delay", "1ms"]).await;
    let postgres = up.postgres();

    for secret in ["ready.json", "data/jwt.key", "data/postgres-password"] {
        let mode = fs::metadata(folder.path(secret))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let health = run(&folder, &["health", "--url", &up.ready().url]).await;
    assert!(health.status.success(), "{}", said(&health));
    let durable: String = sqlx::query_scalar("show fsync")
        .fetch_one(
            &sqlx::PgPool::connect(&up.ready().database_url)
                .await
                .unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(durable, "on");

    // The ready token is good for a whole life of a droplet that the platform makes.
    up.query(
        r#"mutation { provisionDroplet(input: {
            name: "web-1", size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64"
        }) { userErrors { code } } }"#,
    )
    .await;
    until("the droplet is active", async || {
        let data = up
            .query("{ droplets(first: 1) { nodes { name status } } }")
            .await;
        (data["droplets"]["nodes"] == json!([{ "name": "web-1", "status": "ACTIVE" }]))
            .then_some(())
    })
    .await;

    let signed = run(
        &folder,
        &[
            "token", "--data", "data", "--org", "acme", "--role", "viewer",
        ],
    )
    .await;
    let token = printed(&signed);
    let others = query(
        &up.ready().url,
        token.trim(),
        "{ droplets(first: 1) { totalCount } }",
    )
    .await;
    assert_eq!(
        others["droplets"]["totalCount"], 0,
        "another organization sees nothing"
    );

    let second = run(
        &folder,
        &["up", "--data", "data", "--listen", "127.0.0.1:0"],
    )
    .await;
    assert!(!second.status.success());
    assert!(
        said(&second).contains("is in use by another `clustergenie up`"),
        "{}",
        said(&second)
    );

    assert!(is_running(postgres));
    assert!(up.stop().await.success());
    assert!(
        !is_running(postgres),
        "Postgres ends before the platform does"
    );
    assert!(
        !folder.path("ready.json").exists(),
        "nobody is told any more that it serves"
    );
}

#[tokio::test]
async fn its_postgres_ends_when_it_is_killed_and_the_next_start_waits_for_that() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    let first = up.postgres();
    up.kill().await;
    // At once, while the server of the first is still ending.
    let up = Up::start(&folder).await;
    let second = up.postgres();
    assert_ne!(first, second);
    ended(first).await;

    up.kill().await;
    ended(second).await;
}

#[tokio::test]
async fn whoever_asks_again_does_not_wait_for_a_postgres_that_is_stuck() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    let postgres = up.postgres();
    // It can hear nothing, so it does not stop in an orderly way.
    signal(postgres, Signal::STOP);
    until("it asks Postgres to stop at once", async || {
        // First to the parts of the platform, in the end to the wait for Postgres.
        up.ask_to_stop();
        let log = fs::read_to_string(folder.path("up.log")).unwrap();
        log.contains("is made to stop at once").then_some(())
    })
    .await;
    signal(postgres, Signal::CONT);
    assert!(up.ended().await.success());
    assert!(!is_running(postgres));
}

#[tokio::test]
async fn a_cluster_of_another_version_is_refused() {
    let folder = Folder::new();
    fs::create_dir_all(folder.data().join("postgres")).unwrap();
    folder.write("data/postgres/PG_VERSION", "99\n");
    let refused = run(
        &folder,
        &["up", "--data", "data", "--listen", "127.0.0.1:0"],
    )
    .await;
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("made by Postgres 99"),
        "{}",
        said(&refused)
    );
}

#[tokio::test]
async fn an_address_in_use_is_refused_before_a_cluster_is_made() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = run(&folder, &["up", "--data", "data", "--listen", &address]).await;
    assert!(
        said(&refused).contains(&format!("cannot listen on {address}")),
        "{}",
        said(&refused)
    );
    assert!(!folder.data().join("postgres").exists());
}

async fn ended(postgres: u32) {
    until("Postgres has ended by itself", async || {
        (!is_running(postgres)).then_some(())
    })
    .await;
}
