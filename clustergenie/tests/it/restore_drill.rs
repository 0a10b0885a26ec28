//! The drill of a restore: back up, write on, restore to a moment, start. Every party notices, and nobody decides,
//! publishes or shows on what is no more.

use std::fs;
use std::process::Stdio;

use domain::stream_type::StreamType;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::kafka::{TestKafka, kafka_or_skip};
use testkit::wait::until;

use super::program::{Folder, Up, printed, program, run, said};

/// A platform that archives into a backup.
pub(crate) struct Drill {
    pub(crate) folder: Folder,
    settings: Vec<String>,
}

impl Drill {
    pub(crate) fn new(more: &[String]) -> Self {
        let folder = Folder::new();
        let backup = folder.path("backup").display().to_string();
        let settings = [
            "--listen",
            "127.0.0.1:0",
            "--step-delay",
            "1ms",
            "--backup",
            &backup,
        ];
        let settings = settings
            .map(str::to_owned)
            .into_iter()
            .chain(more.iter().cloned());
        Self {
            settings: settings.collect(),
            folder,
        }
    }

    pub(crate) async fn start(&self, more: &[&str]) -> Up {
        let more = more.iter().map(|setting| (*setting).to_owned());
        let settings: Vec<String> = self.settings.iter().cloned().chain(more).collect();
        Up::start_with(&self.folder, &settings).await
    }

    async fn back_up(&self) {
        let made = run(
            &self.folder,
            &["backup", "--data", "data", "--backup", "backup"],
        )
        .await;
        assert!(printed(&made).contains("/base/"), "{}", said(&made));
    }

    /// Moves the data directory away and restores it: as of a time, or all that was archived.
    async fn restore(&self, at: Option<&str>) -> String {
        let mut restore = vec!["restore", "--backup", "backup", "--data", "data"];
        restore.extend(at.into_iter().flat_map(|at| ["--at", at]));
        let refused = run(&self.folder, &restore).await;
        assert!(!refused.status.success());
        assert!(
            said(&refused).contains("exists and is not empty"),
            "{}",
            said(&refused)
        );
        // Of an earlier restore.
        let _ = fs::remove_dir_all(self.folder.path("lost"));
        fs::rename(self.folder.data(), self.folder.path("lost")).unwrap();
        printed(&run(&self.folder, &restore).await)
    }
}

async fn ask(up: &Up, document: &str) -> Value {
    let ready = up.ready();
    let response = reqwest::Client::new()
        .post(format!("{}/graphql", ready.url))
        .bearer_auth(&ready.token)
        .json(&json!({ "query": document }))
        .send()
        .await
        .unwrap();
    response.json().await.unwrap()
}

/// Provisions a droplet, waits until the platform has made it, and returns the token of the request.
pub(crate) async fn provision(up: &Up, name: &str) -> String {
    let provisioned = up
        .query(&format!(
            "mutation {{ provisionDroplet(input: {{ name: \"{name}\", size: \"s-1vcpu-1gb\", region: \"nyc3\", \
             image: \"ubuntu-24-04-x64\" }}) {{ consistencyToken userErrors {{ code }} }} }}"
        ))
        .await;
    until("the droplet is active", async || {
        let active = "{ droplets(first: 100, filter: { statuses: [ACTIVE] }) { nodes { name } } }";
        let data = up.query(active).await;
        let nodes = data["droplets"]["nodes"].as_array().unwrap();
        nodes.contains(&json!({ "name": name })).then_some(())
    })
    .await;
    // The job ends after the droplet is active.
    until("the job has ended", async || {
        let open =
            "{ jobs(first: 100, filter: { statuses: [SUBMITTED, RUNNING] }) { nodes { id } } }";
        (up.query(open).await["jobs"]["nodes"] == json!([])).then_some(())
    })
    .await;
    let token = &provisioned["provisionDroplet"]["consistencyToken"];
    token.as_str().expect("it is accepted").to_owned()
}

async fn names(up: &Up) -> Value {
    let names = "{ droplets(first: 100, orderBy: { field: NAME, direction: ASCENDING }) { nodes { name } } }";
    up.query(names).await["droplets"]["nodes"].clone()
}

/// The cursor of the last event.
async fn last_cursor(up: &Up) -> String {
    let last = up.query("{ events(last: 1) { edges { cursor } } }").await;
    last["events"]["edges"][0]["cursor"]
        .as_str()
        .expect("there is one")
        .to_owned()
}

/// The time of the database.
pub(crate) async fn now(up: &Up) -> String {
    let pool = PgPool::connect(&up.ready().database_url).await.unwrap();
    let now =
        "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
    sqlx::query_scalar(now).fetch_one(&pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_notices_a_restore_to_a_moment() {
    let drill = Drill::new(&[]);
    let up = drill.start(&[]).await;
    provision(&up, "kept-1").await;
    drill.back_up().await;
    let kept_token = provision(&up, "kept-2").await;
    let kept_cursor = last_cursor(&up).await;
    let at = now(&up).await;
    let lost_token = provision(&up, "lost").await;
    let lost_cursor = last_cursor(&up).await;
    assert!(up.stop().await.success());

    let told = drill.restore(Some(&at)).await;
    assert!(told.contains("has the log up to position"), "{told}");
    let up = drill.start(&[]).await;
    let kept = json!([{ "name": "kept-1" }, { "name": "kept-2" }]);
    assert_eq!(names(&up).await, kept);
    // What was lost is given again, to others.
    let new_token = provision(&up, "new").await;

    let with = |token: &str| {
        format!("{{ droplets(first: 1, consistentWith: \"{token}\") {{ totalCount }} }}")
    };
    let after = |cursor: &str| {
        format!("{{ events(first: 1, after: \"{cursor}\") {{ nodes {{ version }} }} }}")
    };
    let lost = ask(&up, &with(&lost_token)).await;
    assert_eq!(
        lost["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
        "{lost}"
    );
    let lost = ask(&up, &after(&lost_cursor)).await;
    assert_eq!(
        lost["errors"][0]["extensions"]["code"], "INVALID_CURSOR",
        "{lost}"
    );
    assert!(lost.to_string().contains("list again"), "{lost}");
    for document in [with(&kept_token), with(&new_token), after(&kept_cursor)] {
        let kept = ask(&up, &document).await;
        assert!(kept.get("errors").is_none(), "{kept}");
    }

    let verified = run(&drill.folder, &["verify", "--data", "data"]).await;
    printed(&verified);
    // In use: an operator's declaration is refused.
    let declared = ["restored", "--data", "data", "--reason", "a test"];
    let refused = run(&drill.folder, &declared).await;
    assert!(
        said(&refused).contains("is in use by another"),
        "{}",
        said(&refused)
    );
    let url = up.ready().database_url.clone();
    let by_url = ["restored", "--database-url", &url, "--reason", "a test"];
    let refused = run(&drill.folder, &by_url).await;
    assert!(
        said(&refused).contains("stop all its processes first"),
        "{}",
        said(&refused)
    );
    let pool = PgPool::connect(&url).await.unwrap();
    let reasons: Vec<String> =
        sqlx::query_scalar("select reason from es.incarnations order by number")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(reasons, ["FIRST", "TIMELINE"]);
    pool.close().await;

    // A copy of the disk, which nobody can notice, and which is declared.
    let cursor = last_cursor(&up).await;
    assert!(up.stop().await.success());
    let told = printed(&run(&drill.folder, &declared).await);
    assert!(told.contains("kept the positions up to"), "{told}");
    let up = drill.start(&[]).await;
    let kept = ask(&up, &after(&cursor)).await;
    assert!(kept.get("errors").is_none(), "{kept}");
    assert_ne!(last_cursor(&up).await, cursor);
    assert!(up.stop().await.success());
}

/// Archives the present segment of the log, checks that no attempt to archive failed, and returns its name.
pub(crate) async fn archives(up: &Up) -> String {
    let pool = PgPool::connect(&up.ready().database_url).await.unwrap();
    let switch = "select pg_walfile_name(pg_switch_wal())";
    let segment: String = sqlx::query_scalar(switch).fetch_one(&pool).await.unwrap();
    let failed = until("the segment is archived", async || {
        let archived = "select last_archived_wal >= $1, failed_count from pg_stat_archiver";
        let (archived, failed): (Option<bool>, i64) = sqlx::query_as(archived)
            .bind(&segment)
            .fetch_one(&pool)
            .await
            .unwrap();
        (archived == Some(true) || failed > 0).then_some(failed)
    })
    .await;
    assert_eq!(failed, 0);
    pool.close().await;
    segment
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_after_a_restore_survives_the_next_one() {
    let drill = Drill::new(&[]);
    let up = drill.start(&[]).await;
    provision(&up, "kept").await;
    let at = now(&up).await;
    provision(&up, "removed").await;
    archives(&up).await;
    assert!(up.stop().await.success());
    drill.restore(Some(&at)).await;

    // Nobody makes a base backup by hand.
    let up = drill.start(&[]).await;
    provision(&up, "later").await;
    archives(&up).await;
    let between = now(&up).await;
    provision(&up, "last").await;
    assert!(up.stop().await.success());
    drill.restore(None).await;
    let up = drill.start(&[]).await;
    let all = json!([{ "name": "kept" }, { "name": "last" }, { "name": "later" }]);
    assert_eq!(names(&up).await, all);
    archives(&up).await;
    assert!(up.stop().await.success());

    // A moment after one restore and before another.
    drill.restore(Some(&between)).await;
    let up = drill.start(&[]).await;
    let by_then = json!([{ "name": "kept" }, { "name": "later" }]);
    assert_eq!(names(&up).await, by_then);
    archives(&up).await;
    assert!(up.stop().await.success());

    // Without `--backup`, and again with it: the archive of before lacks what was written meanwhile.
    let up = Up::start_with(
        &drill.folder,
        &["--listen", "127.0.0.1:0", "--step-delay", "1ms"],
    )
    .await;
    provision(&up, "unarchived").await;
    assert!(up.stop().await.success());
    let up = drill.start(&[]).await;
    archives(&up).await;
    assert!(up.stop().await.success());
    drill.restore(None).await;
    let up = drill.start(&[]).await;
    let with_it = json!([{ "name": "kept" }, { "name": "later" }, { "name": "unarchived" }]);
    assert_eq!(names(&up).await, with_it);
    assert!(up.stop().await.success());
}

/// Returns true while a base backup is being made.
fn is_backing_up(folder: &Folder) -> bool {
    let series = fs::read_dir(folder.path("backup")).unwrap();
    let mut bases = series
        .filter_map(|series| fs::read_dir(series.unwrap().path().join("base")).ok())
        .flatten();
    bases.any(|base| {
        let name = base.unwrap().file_name();
        name.to_string_lossy().ends_with(".unfinished")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_base_backup_is_made_at_a_time() {
    let drill = Drill::new(&[]);
    let up = drill.start(&[]).await;
    let backup = ["backup", "--data", "data", "--backup", "backup"];
    let first = program(&drill.folder, backup)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = first.id().expect("it runs");
    until("the first one is under way", async || {
        is_backing_up(&drill.folder).then_some(())
    })
    .await;
    // It cannot end before the second one was tried.
    super::program::signal(pid, rustix::process::Signal::STOP);
    assert!(is_backing_up(&drill.folder), "it has ended");
    let second = run(&drill.folder, &backup).await;
    super::program::signal(pid, rustix::process::Signal::CONT);
    assert!(!second.status.success());
    assert!(
        said(&second).contains("another base backup is being made"),
        "{}",
        said(&second)
    );
    let first = first.wait_with_output().await.unwrap();
    assert!(printed(&first).contains("/base/"), "{}", said(&first));
    drill.back_up().await;
    assert!(!is_backing_up(&drill.folder));
    assert!(up.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_fails_leaves_nothing_and_says_why() {
    let drill = Drill::new(&[]);
    let nobody = run(
        &drill.folder,
        &["backup", "--data", "data", "--backup", "backup"],
    )
    .await;
    assert!(
        said(&nobody).contains("no platform runs on"),
        "{}",
        said(&nobody)
    );
    let restore = ["restore", "--backup", "backup", "--data", "new"];
    let nothing = run(&drill.folder, &restore).await;
    assert!(
        said(&nothing).contains("holds no backups"),
        "{}",
        said(&nothing)
    );

    let up = drill.start(&[]).await;
    drill.back_up().await;
    assert!(up.stop().await.success());
    for (at, why) in [
        ("2020-01-01T00:00:00Z", "is that old"),
        (
            "2999-01-01T00:00:00Z",
            "recovery ended before configured recovery target was reached",
        ),
    ] {
        let failed = run(&drill.folder, &[&restore[..], &["--at", at]].concat()).await;
        assert!(!failed.status.success());
        assert!(said(&failed).contains(why), "{}", said(&failed));
    }
    for name in ["new", "new.unfinished"] {
        assert!(!drill.folder.path(name).exists(), "{name} is left");
    }

    // Interrupted, and then to its end.
    let log = fs::File::create(drill.folder.path("restore.log")).unwrap();
    let mut child = program(&drill.folder, restore).stderr(log).spawn().unwrap();
    until("the restore is under way", async || {
        drill.folder.path("new.unfinished").exists().then_some(())
    })
    .await;
    let second = run(&drill.folder, &restore).await;
    assert!(
        said(&second).contains("another `clustergenie restore` works in"),
        "{}",
        said(&second)
    );
    super::program::signal(child.id().expect("it runs"), rustix::process::Signal::INT);
    assert!(!child.wait().await.unwrap().success());
    assert!(!drill.folder.path("new").exists());
    let restored = run(&drill.folder, &restore).await;
    assert!(printed(&restored).contains("has the log up to position"));
    assert!(drill.folder.path("new/jwt.key").exists());
    assert!(!printed(&restored).contains("key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_reported() {
    let drill = Drill::new(&[]);
    let up = drill.start(&[]).await;
    fs::remove_file(drill.folder.path("data/jwt.key")).unwrap();
    let backup = ["backup", "--data", "data", "--backup", "backup"];
    let made = printed(&run(&drill.folder, &backup).await);
    assert!(made.contains("holds no key for tokens"), "{made}");
    assert!(up.stop().await.success());
    let restored = drill.restore(None).await;
    assert!(restored.contains("holds no key for tokens"), "{restored}");
    assert!(!drill.folder.path("data/jwt.key").exists());
}

async fn published(kafka: &TestKafka) -> usize {
    let mut count = 0;
    for stream_type in StreamType::known() {
        count += kafka.events(*stream_type).await.len();
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_platform_publishes_only_what_the_operator_says() {
    let Some(kafka) = kafka_or_skip() else { return };
    let progress = kafka.topics().progress();
    let prefix = progress.trim_end_matches(".relay.v1").to_owned();
    let brokers = kafka.brokers().to_owned();
    let drill = Drill::new(&[
        "--kafka".to_owned(),
        brokers,
        "--kafka-prefix".to_owned(),
        prefix,
    ]);
    let up = drill.start(&[]).await;
    provision(&up, "kept-1").await;
    drill.back_up().await;
    let at = now(&up).await;
    provision(&up, "lost").await;
    assert!(up.stop().await.success());
    let before = published(&kafka).await;

    drill.restore(Some(&at)).await;
    let log = fs::File::create(drill.folder.path("refusing.log")).unwrap();
    let mut refusing = program(&drill.folder, ["up", "--data", "data"])
        .args(&drill.settings)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let said = until("the relay refuses to publish", async || {
        let said = fs::read_to_string(drill.folder.path("refusing.log")).unwrap();
        said.contains("that this log lost").then_some(said)
    })
    .await;
    super::program::signal(
        refusing.id().expect("it runs"),
        rustix::process::Signal::TERM,
    );
    refusing.wait().await.unwrap();
    assert_eq!(published(&kafka).await, before);
    let (_, position) = said
        .split_once("--republish-from ")
        .expect("it says from where");
    let position: String = position.chars().take_while(char::is_ascii_digit).collect();

    for stream_type in StreamType::known() {
        kafka
            .delete_topic(&kafka.topics().events(*stream_type))
            .await;
    }
    kafka.delete_topic(&progress).await;
    let up = drill.start(&["--republish-from", &position]).await;
    provision(&up, "new").await;
    assert_eq!(
        names(&up).await,
        json!([{ "name": "kept-1" }, { "name": "new" }])
    );
    let pool = PgPool::connect(&up.ready().database_url).await.unwrap();
    let head: i64 = sqlx::query_scalar("select max(position) from es.log")
        .fetch_one(&pool)
        .await
        .unwrap();
    let from: i64 = position.parse().unwrap();
    let expected = usize::try_from(head - from + 1).unwrap();
    until("Kafka has what comes after the fork", async || {
        (published(&kafka).await == expected).then_some(())
    })
    .await;
    pool.close().await;
    assert!(up.stop().await.success());
}
