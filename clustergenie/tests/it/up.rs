//! `clustergenie up`: starts everything, locks its data directory, stops in order, and leaves nothing behind
//! when it is killed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;
use testkit::wait::until;

use super::program::{Folder, Up, is_running, printed, program, query, run, said, signal};

/// Requests a droplet that the platform provisions.
const PROVISION: &str = r#"mutation { provisionDroplet(input: {
    name: "web-1", size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64"
}) { userErrors { code } } }"#;

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
    let metrics = reqwest::get(format!("{}/metrics", up.ready().url));
    let metrics = metrics.await.unwrap().text().await.unwrap();
    let no_failures = r#"clustergenie_consumer_failures_total{consumer="droplets"} 0"#;
    assert!(metrics.contains(no_failures), "{metrics}");
    let durable: String = sqlx::query_scalar("show fsync")
        .fetch_one(
            &sqlx::PgPool::connect(&up.ready().database_url)
                .await
                .unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(durable, "on");

    // With the first token the platform provisions a droplet.
    up.query(PROVISION).await;
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
        "the ready file is removed"
    );
}

#[tokio::test]
async fn its_postgres_ends_when_it_is_killed_and_the_next_start_waits_for_that() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    let (first, address) = (up.postgres(), up.ready().database_url.clone());
    up.kill().await;
    // At once, while the server of the first is still ending.
    let up = Up::start(&folder).await;
    let second = up.postgres();
    assert_ne!(first, second);
    ended(first).await;
    assert_eq!(up.ready().database_url, address, "the port is the same");

    up.kill().await;
    ended(second).await;

    let port = url::Url::parse(&address).unwrap().port().unwrap();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let up = Up::start(&folder).await;
    assert_ne!(up.ready().database_url, address, "the port is taken");
    up.kill().await;
}

#[tokio::test]
async fn a_pid_file_of_no_server_does_not_stop_the_start() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    let file = folder.path("data/postgres/postmaster.pid");
    let left = fs::read_to_string(&file).unwrap();
    let (number, rest) = left.split_once('\n').unwrap();
    up.stop().await;
    let sleeping = Sleeping::start(&folder);
    let zombie = Sleeping::start(&folder);
    zombie.kill();
    for of_another in [
        // A number that lives again, also as that of a process that has ended and was not waited for.
        format!("{}\n{rest}", sleeping.0.id()),
        format!("{}\n{rest}", zombie.0.id()),
        format!("{}\n{rest}", std::process::id()),
        // What a power failure leaves.
        String::new(),
        "\0".repeat(100),
        "\n".to_owned(),
        "nonsense".to_owned(),
        format!("{number}\n"),
    ] {
        fs::write(&file, &of_another).unwrap();
        let up = Up::start(&folder).await;
        assert!(up.stop().await.success(), "{of_another:?}");
    }
}

#[tokio::test]
async fn it_starts_at_once_after_it_and_its_postgres_were_killed() {
    let folder = Folder::new();
    for _ in 0..3 {
        let up = Up::start(&folder).await;
        let postgres = up.postgres();
        up.kill().await;
        signal(postgres, Signal::KILL);
    }
    assert!(Up::start(&folder).await.stop().await.success());
}

#[tokio::test]
async fn a_server_without_its_pid_file_is_waited_for() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    let postgres = up.postgres();
    signal(postgres, Signal::STOP);
    up.kill().await;
    fs::write(folder.path("data/postgres/postmaster.pid"), "").unwrap();
    // A directory elsewhere, as on another disk.
    fs::rename(folder.path("data/postgres"), folder.path("cluster")).unwrap();
    std::os::unix::fs::symlink("../cluster", folder.path("data/postgres")).unwrap();
    let starting = async {
        let up = Up::start(&folder).await;
        assert!(!is_running(postgres), "two servers on one cluster");
        assert!(up.stop().await.success());
    };
    let ending = async {
        until("the start waits", async || {
            let log = fs::read_to_string(folder.path("up.log")).unwrap_or_default();
            log.contains("waiting for the Postgres server")
                .then_some(())
        })
        .await;
        signal(postgres, Signal::CONT);
    };
    tokio::join!(starting, ending);
}

/// A process that is not Postgres.
struct Sleeping(std::process::Child);

impl Sleeping {
    fn start(folder: &Folder) -> Self {
        let owner = fs::metadata(folder.path("data/postgres")).unwrap().uid();
        let mut command = std::process::Command::new("sleep");
        // Postgres takes no number seriously that belongs to another user.
        command.uid(owner);
        Self(
            command
                .arg("600")
                .current_dir(folder.data())
                .spawn()
                .unwrap(),
        )
    }

    /// Kills it, without waiting for its end.
    fn kill(&self) {
        signal(self.0.id(), Signal::KILL);
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn whoever_asks_again_does_not_wait_for_a_postgres_that_is_stuck() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    let postgres = up.postgres();
    // A stopped process receives no signal, so a fast shutdown has no effect.
    signal(postgres, Signal::STOP);
    until("Postgres is told to shut down immediately", async || {
        // First to the parts of the platform, later to the wait for Postgres.
        up.ask_to_stop();
        let log = fs::read_to_string(folder.path("up.log")).unwrap();
        log.contains("by an immediate shutdown").then_some(())
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
        said(&refused).contains("needs Postgres 99"),
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

#[tokio::test]
async fn the_banner_does_not_wait_for_a_kafka_that_does_not_answer() {
    let folder = Folder::new();
    let banner = fs::File::create(folder.path("banner")).unwrap();
    let mut up = program(&folder, ["up", "--data", "data", "--listen", "localhost:0"])
        .args(["--kafka", "127.0.0.1:1", "--ready-file", "ready.json"])
        .stdout(banner)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the banner is printed", async || {
        let banner = fs::read_to_string(folder.path("banner")).unwrap();
        banner
            .contains("Kafka at 127.0.0.1:1 does not answer; retrying")
            .then_some(())
    })
    .await;
    let banner = fs::read_to_string(folder.path("banner")).unwrap();
    let line = |prefix: &str| {
        let rest = banner.lines().find_map(|line| line.strip_prefix(prefix));
        rest.unwrap_or_else(|| panic!("no {prefix:?} in {banner}"))
    };
    let url = line("ClusterGenie serves at ").split(' ').next().unwrap();
    query(url, line("  export TOKEN="), PROVISION).await;
    assert!(!folder.path("ready.json").exists(), "Kafka is not ready");
    signal(up.id().unwrap(), Signal::TERM);
    assert!(up.wait().await.unwrap().success());
}

async fn ended(postgres: u32) {
    until("Postgres has ended by itself", async || {
        (!is_running(postgres)).then_some(())
    })
    .await;
}
