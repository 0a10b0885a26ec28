//! Events through Kafka: in one process, and as the separate processes of a distributed installation.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;
use sqlx::PgPool;
use testkit::kafka::{TestKafka, kafka_or_skip};
use testkit::port;
use testkit::postgres::TestDatabase;
use testkit::wait::until;
use tokio::process::Child;

use super::agreement::assert_all_agree;
use super::program::{Folder, Up, printed, program, query, run, said, signal};
use super::trace_file::{FILE, end, load, trace};

#[tokio::test]
async fn in_one_process_a_trace_ends_the_same_through_kafka() {
    const OF_EACH: usize = 5;
    let Some(kafka) = kafka_or_skip() else { return };
    let folder = Folder::new();
    folder.write(FILE, &trace(OF_EACH));
    let mut settings = arguments(&kafka);
    settings.extend(["--listen", "127.0.0.1:0"].map(str::to_owned));
    let up = Up::start_with(&folder, &settings).await;
    let table = load(&folder, &up.ready().url, &[]).await;
    let (droplets, jobs) = end(OF_EACH);
    assert_eq!((&table["droplets"], &table["jobs"]), (&droplets, &jobs));
    let database = PgPool::connect(&up.ready().database_url).await.unwrap();
    assert_all_agree(&up, &database, &table).await;
    assert!(up.stop().await.success());
}

#[tokio::test]
async fn the_roles_together_make_a_droplet() {
    let Some(kafka) = kafka_or_skip() else { return };
    let (folder, database) = (Folder::new(), TestDatabase::new().await);
    folder.write("key", "0123456789abcdef0123456789abcdef\n");
    let signed = run(
        &folder,
        &[
            "token",
            "--key-file",
            "key",
            "--org",
            "acme",
            "--role",
            "operator",
        ],
    )
    .await;
    let token = printed(&signed);

    let url = database.url();
    let migrated = run(&folder, &["migrate", "--database-url", &url]).await;
    assert!(migrated.status.success(), "{}", said(&migrated));
    let api = Role::start(
        &folder,
        "api",
        "--listen",
        &url,
        &["--jwt-key-file", "key", "--metrics-listen", "127.0.0.1:0"].map(str::to_owned),
    );
    let others: Vec<_> = [
        ("relay", &[] as &[&str]),
        ("project", &[]),
        ("work", &["--step-delay", "1ms"]),
    ]
    .into_iter()
    .map(|(role, settings)| {
        let mut arguments = arguments(&kafka);
        arguments.extend(settings.iter().map(|setting| (*setting).to_owned()));
        Role::start(&folder, role, "--metrics-listen", &url, &arguments)
    })
    .collect();

    until("the API answers", async || {
        api.is_healthy(&folder).await.then_some(())
    })
    .await;
    query(
        &api.url,
        token.trim(),
        r#"mutation { provisionDroplet(input: {
            name: "web-1", size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64"
        }) { userErrors { code } } }"#,
    )
    .await;
    until("the droplet is active", async || {
        let data = query(
            &api.url,
            token.trim(),
            "{ droplets(first: 1) { nodes { status } } }",
        );
        (data.await["droplets"]["nodes"] == json!([{ "status": "ACTIVE" }])).then_some(())
    })
    .await;
    sees_its_own_writes(&api.url, token.trim()).await;
    for role in others.iter().chain([&api]) {
        until(&format!("`{}` is ready", role.name), async || {
            role.is_healthy(&folder).await.then_some(())
        })
        .await;
    }
    for role in others {
        role.stops_in_order().await;
    }
}

/// A client writes to the one droplet again and again, and each time reads what it wrote at once.
async fn sees_its_own_writes(url: &str, token: &str) {
    let found = query(url, token, "{ droplets(first: 1) { nodes { id } } }").await;
    let id = &found["droplets"]["nodes"][0]["id"];
    for round in 0..20 {
        let name = json!(format!("web-{round}"));
        let rename = format!(
            "mutation {{ renameDroplet(input: {{ id: {id}, name: {name} }}) {{ consistencyToken }} }}"
        );
        let written = &query(url, token, &rename).await["renameDroplet"]["consistencyToken"];
        let read = format!("{{ droplet(id: {id}, consistentWith: {written}) {{ name }} }}");
        assert_eq!(query(url, token, &read).await["droplet"]["name"], name);
    }
}

/// Settings for a test's own topics.
pub(crate) fn arguments(kafka: &TestKafka) -> Vec<String> {
    let progress = kafka.topics().progress();
    let prefix = progress
        .strip_suffix(".relay.v1")
        .expect("it ends so in every installation");
    ["--kafka", kafka.brokers(), "--kafka-prefix", prefix]
        .map(str::to_owned)
        .to_vec()
}

/// A process of a distributed installation, killed when it is dropped.
struct Role {
    name: &'static str,
    url: String,
    child: Child,
    log: PathBuf,
}

impl Role {
    fn start(
        folder: &Folder,
        name: &'static str,
        listen: &str,
        database_url: &str,
        settings: &[String],
    ) -> Self {
        let address = format!("127.0.0.1:{}", port::free());
        let log = folder.path(name);
        let child = program(
            folder,
            [name, "--database-url", database_url, listen, &address],
        )
        .args(settings)
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
        Self {
            name,
            url: format!("http://{address}"),
            child,
            log,
        }
    }

    /// Stops the process, all of whose tasks must end by themselves.
    async fn stops_in_order(mut self) {
        signal(self.child.id().unwrap(), Signal::TERM);
        assert!(self.child.wait().await.unwrap().success());
        let log = fs::read_to_string(&self.log).unwrap();
        assert!(!log.contains("aborted"), "{log}");
    }

    async fn is_healthy(&self, folder: &Folder) -> bool {
        run(folder, &["health", "--url", &self.url])
            .await
            .status
            .success()
    }
}
