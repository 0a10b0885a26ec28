//! `clustergenie verify`: its exit status and its report.

use std::process::Output;

use event_store::envelope::Position;
use projections::droplets::Droplets;
use projections::model::Model;
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use testkit::events::{Recorder, sequence};
use testkit::postgres::TestDatabase;
use testkit::wait::until;
use tokio::net::TcpListener;

use super::login::Login;
use super::program::{Folder, Up, program, run, said, signal};

/// A store of 60 events without a consumer.
async fn store() -> TestDatabase {
    let database = TestDatabase::new().await;
    Recorder::new(database.pool()).droplets(30).await;
    assert_eq!(sequence(&database.pool()).await, Position(60));
    database
}

async fn verify(folder: &Folder, settings: &[&str]) -> Output {
    run(folder, &[&["verify"], settings].concat()).await
}

/// The printed report and the exit status.
fn report(output: &Output) -> (Value, i32) {
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("it printed no report: {}", said(output)));
    (report, output.status.code().unwrap())
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == name);
    check.unwrap_or_else(|| panic!("{name} is in the report: {report:#}"))
}

/// Alters history as a superuser, whom no trigger stops.
async fn tamper(pool: &PgPool, statement: &str) {
    let mut session = pool.begin().await.unwrap();
    let all = format!("set local session_replication_role = replica; {statement}");
    sqlx::raw_sql(AssertSqlSafe(all))
        .execute(&mut *session)
        .await
        .unwrap();
    session.commit().await.unwrap();
}

#[tokio::test]
async fn a_store_that_holds_and_one_that_was_altered() {
    let (folder, database) = (Folder::new(), store().await);
    let settings = ["--json", "--database-url", &database.url()];
    let (holds, exit) = report(&verify(&folder, &settings).await);
    assert_eq!(exit, 0, "{holds:#}");
    assert_eq!(
        (&holds["result"], &holds["head"]),
        (&json!("holds"), &json!(60))
    );
    let names: Vec<_> = holds["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "positions",
            "log",
            "streams",
            "events",
            "digests",
            "checkpoints",
            "commands",
            "read_v1.droplets",
            "read_v1.jobs",
            "read_v1.clusters",
            "read_v1.activity",
            "read_v1.counts"
        ]
    );
    assert_eq!(
        check(&holds, "digests")["notes"],
        json!([
            "60 events are younger than the last digest: a change of one of them is not found by digests"
        ])
    );

    tamper(&database.pool(), "delete from es.log where position = 17").await;
    let (differs, exit) = report(&verify(&folder, &settings).await);
    assert_eq!(exit, 1, "{differs:#}");
    assert_eq!(differs["result"], "differs");
    assert_eq!(
        check(&differs, "positions")["first"],
        json!({ "position": 17, "expected": "one event", "found": "none" })
    );
    let table = verify(&folder, &settings[1..]).await;
    assert_eq!(table.status.code(), Some(1));
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("first difference: position 17\n"), "{table}");
}

#[tokio::test]
async fn the_read_models_of_a_running_platform() {
    let folder = Folder::new();
    let up = Up::start_with(&folder, &["--listen", "127.0.0.1:0", "--step-delay", "1ms"]).await;
    up.query(
        r#"mutation { provisionDroplet(input: {
            name: "web-1", size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64"
        }) { userErrors { code } } }"#,
    )
    .await;
    until("the droplet is active", async || {
        let data = up
            .query("{ droplets(first: 1) { nodes { status } } }")
            .await;
        (data["droplets"]["nodes"] == json!([{ "status": "ACTIVE" }])).then_some(())
    })
    .await;
    let settings = ["--data", "data", "--json"];
    let (holds, exit) = report(&verify(&folder, &settings).await);
    assert_eq!(exit, 0, "{holds:#}");
    assert_eq!(check(&holds, "read_v1.droplets")["compared"], 1);
    let notes = check(&holds, "read_v1.activity")["notes"].to_string();
    assert!(
        notes.contains("rows of 2 tables: activity, activity_names"),
        "{notes}"
    );

    let pool = PgPool::connect(&up.ready().database_url).await.unwrap();
    for (breaking, mending, name) in [
        (
            "update droplets_1.droplets set name = 'web-2'",
            "update droplets_1.droplets set name = 'web-1'",
            "read_v1.droplets",
        ),
        (
            "create table kept as select * from jobs_1.jobs; delete from jobs_1.jobs",
            "insert into jobs_1.jobs select * from kept",
            "read_v1.jobs",
        ),
        (
            "insert into counts_1.counts values ('demo', 'job_kind', 'INVENTED', 3)",
            "delete from counts_1.counts where value = 'INVENTED'",
            "read_v1.counts",
        ),
    ] {
        sqlx::raw_sql(breaking).execute(&pool).await.unwrap();
        let (differs, exit) = report(&verify(&folder, &settings).await);
        assert_eq!(exit, 1, "{breaking}: {differs:#}");
        let broken = check(&differs, name);
        assert_eq!(broken["differences"], 1, "{broken:#}");
        let place = broken["first"]["place"].as_str().unwrap();
        let (table, _) = breaking.split_once("_1.").unwrap();
        let table = table.rsplit(' ').next().unwrap();
        assert!(
            place.starts_with(&format!("{table}_1.{table} with the key ")),
            "{place}"
        );
        sqlx::raw_sql(mending).execute(&pool).await.unwrap();
    }
    let (holds, exit) = report(&verify(&folder, &settings).await);
    assert_eq!(exit, 0, "{holds:#}");

    pool.close().await;
    assert!(up.stop().await.success());
    let stopped = verify(&folder, &settings).await;
    assert_eq!(stopped.status.code(), Some(2));
    assert!(
        said(&stopped).contains("no platform runs on") && said(&stopped).contains("--database-url"),
        "{}",
        said(&stopped)
    );
}

#[tokio::test]
async fn a_read_model_that_stands_still_is_a_difference_unless_somebody_paused_it() {
    let (folder, database) = (Folder::new(), store().await);
    let pool = database.pool();
    // As if this program had a read model that the one that migrated the database had not.
    tamper(
        &pool,
        "delete from es.generations where consumer = 'droplets'",
    )
    .await;
    let settings = ["--json", "--database-url", &database.url()];
    let (behind, exit) = report(&verify(&folder, &settings).await);
    assert_eq!(exit, 0, "{behind:#}");
    let waits = "applied up to position 0; 60 later events were not compared";
    assert_eq!(
        check(&behind, "read_v1.droplets")["notes"],
        json!(["not built yet", waits])
    );

    let serves = "insert into es.generations (consumer, generation, version, state, requested_by, reason) \
                  values ('droplets', 1, $1, 'SERVING', 'ann', 'a test')";
    let version = <Droplets as Model>::VERSION;
    sqlx::query(serves)
        .bind(version)
        .execute(&pool)
        .await
        .unwrap();
    tamper(
        &pool,
        "update es.events set recorded_at = recorded_at - interval '10 minutes'",
    )
    .await;
    let (late, exit) = report(&verify(&folder, &settings).await);
    assert_eq!(exit, 1, "{late:#}");
    let droplets = check(&late, "read_v1.droplets");
    assert_eq!(droplets["notes"], json!([waits]));
    assert_eq!(
        (&droplets["differences"], &droplets["first"]["position"]),
        (&json!(1), &json!(1))
    );
    let found = droplets["first"]["found"].as_str().unwrap();
    assert!(found.contains("recorded 10 minutes ago"), "{found}");

    let pause =
        "insert into es.paused (consumer, paused_by, reason) values ('droplets', 'ann', 'a test')";
    sqlx::query(pause).execute(&pool).await.unwrap();
    let (paused, _) = report(&verify(&folder, &settings).await);
    let droplets = check(&paused, "read_v1.droplets");
    assert_eq!(droplets["result"], "holds", "{droplets:#}");
    assert_eq!(
        droplets["notes"],
        json!([format!("{waits}, paused by ann: a test")])
    );
}

#[tokio::test]
async fn a_sample_begins_anywhere_or_where_it_is_told() {
    let (folder, database) = (Folder::new(), store().await);
    let url = database.url();
    let settings = ["--json", "--database-url", &url, "--sample", "0.5"];
    let (anywhere, exit) = report(&verify(&folder, &settings).await);
    assert_eq!(exit, 0, "{anywhere:#}");
    let from = anywhere["sample"]["from"].to_string();
    let again = [&settings[..], &["--sample-from", &from]].concat();
    let (again, _) = report(&verify(&folder, &again).await);
    assert_eq!(again["sample"], anywhere["sample"]);
    assert_eq!(again["sample"]["share"], 0.5);

    let (all, _) = report(&verify(&folder, &settings[..3]).await);
    assert_eq!(all["sample"], Value::Null);
    let of_none = verify(&folder, &["--database-url", &url, "--sample", "0"]).await;
    assert_eq!(of_none.status.code(), Some(2));
    assert!(
        said(&of_none).contains("write a number above 0"),
        "{}",
        said(&of_none)
    );
}

#[tokio::test]
async fn what_cannot_be_checked_is_neither_holding_nor_a_difference() {
    let (folder, database) = (Folder::new(), store().await);
    let url = database.url();
    let settings = ["--json", "--database-url", &url, "--kafka", "127.0.0.1:1"];
    let (unchecked, exit) = report(&verify(&folder, &settings).await);
    assert_eq!(exit, 2, "{unchecked:#}");
    assert_eq!(unchecked["result"], "unchecked");
    let kafka = check(&unchecked, "kafka");
    let why = kafka["error"].as_str().unwrap();
    assert!(why.contains("check --kafka"), "{why}");
    assert_eq!(check(&unchecked, "log")["result"], "holds");

    // The exit status of a difference wins over that of an unchecked part.
    tamper(&database.pool(), "delete from es.log where position = 60").await;
    let (differs, exit) = report(&verify(&folder, &settings).await);
    assert_eq!(exit, 1, "{differs:#}");

    let nowhere = ["--database-url", "postgres://nobody@127.0.0.1:1/none"];
    let unreachable = verify(&folder, &nowhere).await;
    assert_eq!(unreachable.status.code(), Some(2));
    assert!(said(&unreachable).contains("check --database-url"));
    let misspelt = program(&folder, ["verify"])
        .env("CLUSTERGENIE_LISTN", "x")
        .output()
        .await
        .unwrap();
    assert_eq!(misspelt.status.code(), Some(2));
}

#[tokio::test]
async fn whoever_does_not_see_every_row_is_told_who_does() {
    let (folder, database) = (Folder::new(), store().await);
    let login = Login::new("in role clustergenie_reader").await;
    for command in ["verify", "projections"] {
        let url = login.url(&database);
        let refused = run(&folder, &[command, "--database-url", &url]).await;
        assert!(!refused.status.success());
        let said = said(&refused);
        assert!(
            said.contains("may not act as the role clustergenie_service")
                && said.contains("grant clustergenie_service to"),
            "{said}"
        );
    }
    let refused = verify(&folder, &["--database-url", &login.url(&database)]).await;
    assert_eq!(refused.status.code(), Some(2));
    login.remove().await;
    // Nobody needs the owner.
    let login = Login::new("in role clustergenie_service").await;
    let holds = verify(&folder, &["--database-url", &login.url(&database)]).await;
    assert_eq!(holds.status.code(), Some(0), "{}", said(&holds));
    login.remove().await;
}

#[tokio::test]
async fn an_interrupted_check_says_so() {
    let (folder, database) = (Folder::new(), store().await);
    // A Kafka that accepts the connection and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let checking = program(
        &folder,
        [
            "verify",
            "--database-url",
            &database.url(),
            "--kafka",
            &address,
        ],
    )
    .stderr(std::process::Stdio::piped())
    .spawn()
    .unwrap();
    let connection = silent.accept().await.unwrap();
    signal(checking.id().unwrap(), Signal::INT);
    let ended = checking.wait_with_output().await.unwrap();
    drop(connection);
    assert_eq!(ended.status.code(), Some(2));
    assert!(
        said(&ended).contains("interrupted by SIGINT"),
        "{}",
        said(&ended)
    );
}
