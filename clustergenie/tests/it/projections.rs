//! `clustergenie projections` on a running platform.

use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::events::record_nonsense;
use testkit::wait::until;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::agreement::assert_all_agree;
use super::program::{Folder, Up, printed, program, run, said};
use super::trace_file::{FILE, end, load, trace};

/// The output of `clustergenie projections` with these arguments.
async fn operate(folder: &Folder, arguments: &[&str]) -> Output {
    run(
        folder,
        &[&["projections", "--data", "data"], arguments].concat(),
    )
    .await
}

/// The same as JSON; it must have succeeded.
async fn told(folder: &Folder, arguments: &[&str]) -> Value {
    let output = operate(folder, &[arguments, &["--json"]].concat()).await;
    serde_json::from_str(&printed(&output)).unwrap()
}

/// The status of one projection.
async fn status(folder: &Folder, name: &str) -> Value {
    let all = told(folder, &[]).await;
    let mut all = all.as_array().unwrap().iter();
    all.find(|status| status["name"] == name).unwrap().clone()
}

async fn provision(up: &Up, name: &str) -> String {
    let document = format!(
        r#"mutation {{ provisionDroplet(input: {{
            name: "{name}", size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64",
            provisioner: AGENT
        }}) {{ droplet {{ id }} userErrors {{ code }} }} }}"#
    );
    let data = up.query(&document).await;
    data["provisionDroplet"]["droplet"]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn everything_is_listed_and_pausing_holds_one_back() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    provision(&up, "web-1").await;
    until("everything follows", async || {
        let all = told(&folder, &["list"]).await;
        let all = all.as_array().unwrap();
        let names: Vec<_> = all.iter().map(|status| &status["name"]).collect();
        assert_eq!(
            names,
            [
                "droplets", "jobs", "clusters", "activity", "counts", "platform"
            ]
        );
        assert!(all.iter().all(|status| status["state"] == "FOLLOWING"));
        all.iter()
            .all(|status| status["lagEvents"] == 0)
            .then_some(())
    })
    .await;

    let paused = operate(
        &folder,
        &["pause", "droplets", "--by", "ann", "--reason", "a test"],
    )
    .await;
    assert_eq!(
        printed(&paused),
        "droplets is paused: no events are applied to it\n"
    );
    provision(&up, "web-2").await;
    until("the lag grows", async || {
        let lag = &status(&folder, "droplets").await["lagEvents"];
        (*lag == 1).then_some(())
    })
    .await;
    let droplets = status(&folder, "droplets").await;
    assert_eq!(droplets["paused"]["by"], "ann");
    let table = printed(&operate(&folder, &[]).await);
    let line = table
        .lines()
        .find(|line| line.starts_with("droplets "))
        .unwrap();
    assert!(
        line.contains("paused") && line.contains("1 events"),
        "{table}"
    );
    assert!(table.contains(": a test"), "{table}");
    let health = run(&folder, &["health", "--url", &up.ready().url]).await;
    assert!(
        health.status.success(),
        "a paused projection is ready: {}",
        said(&health)
    );

    assert!(
        operate(&folder, &["resume", "droplets"])
            .await
            .status
            .success()
    );
    until("it is resumed", async || {
        let droplets = status(&folder, "droplets").await;
        (droplets["lagEvents"] == 0 && droplets["state"] == "FOLLOWING").then_some(())
    })
    .await;

    let unknown = operate(&folder, &["pause", "sales", "--reason", "a test"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        said(&unknown).contains("there are droplets, jobs, clusters, activity, counts, platform"),
        "{}",
        said(&unknown)
    );
    assert_eq!(unknown.stdout, b"");
    assert!(up.stop().await.success());
}

#[tokio::test]
async fn the_help_names_projections_and_the_order_of_arguments() {
    let folder = Folder::new();
    let help = printed(&run(&folder, &["projections", "retry", "--help"]).await);
    for part in [
        "clustergenie projections retry [OPTIONS] <NAME> <STREAM|--all>",
        "a read model (droplets, jobs, clusters, activity, counts), or the to-do list of a process",
    ] {
        assert!(help.contains(part), "{part:?} is not in {help}");
    }
}

#[tokio::test]
async fn a_parked_stream_is_shown_tried_again_and_given_up() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    assert_eq!(
        printed(&operate(&folder, &["parked"]).await),
        "no stream is parked\n"
    );
    let id = provision(&up, "web-1").await;
    let (_, uuid) = id.split_once(':').unwrap();
    let database = PgPool::connect(&up.ready().database_url).await.unwrap();
    record_nonsense(&database, uuid.parse().unwrap()).await;
    // The sequencer finds the event, which was not announced, with the next command.
    provision(&up, "web-2").await;
    let parked = until("it is parked", async || {
        let parked = told(&folder, &["parked", "droplets"]).await;
        let parked = parked.as_array().unwrap().clone();
        (!parked.is_empty()).then_some(parked)
    })
    .await;
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (&parked[0]["stream"], &parked[0]["organization"]),
        (&json!(id), &json!("demo"))
    );
    assert_eq!(
        (&parked[0]["attempts"], &parked[0]["waiting"]),
        (&json!(1), &json!(0))
    );

    let tried = printed(&operate(&folder, &["retry", "droplets", &id]).await);
    assert_eq!(
        tried,
        format!(
            "{id}: 0 events applied, 1 still parked because of position {}: {}\n",
            parked[0]["position"],
            parked[0]["reason"].as_str().unwrap()
        )
    );
    let tried = told(&folder, &["retry", "droplets", "--all"]).await;
    assert_eq!(
        tried,
        json!([{ "stream": uuid, "applied": 0, "parked": 1 }])
    );
    let skip = [
        "skip",
        "droplets",
        uuid,
        "--by",
        "ann",
        "--reason",
        "it was sold",
    ];
    let skipped = told(&folder, &skip).await;
    assert_eq!(
        (&skipped["parkedStreams"], &skipped["skippedStreams"]),
        (&json!(0), &json!(1))
    );
    let text = printed(&operate(&folder, &["parked", "droplets"]).await);
    for part in [&id, "droplet_sold", "attempts  3", "by ann: it was sold"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let nothing = operate(&folder, &["retry", "jobs", uuid]).await;
    assert_eq!(nothing.status.code(), Some(1));
    assert!(
        said(&nothing).contains("is not parked in `jobs`"),
        "{}",
        said(&nothing)
    );
    let list = operate(&folder, &["rebuild", "platform"]).await;
    assert!(said(&list).contains("no read model"), "{}", said(&list));
    assert!(up.stop().await.success());
}

#[tokio::test]
async fn read_models_are_rebuilt_while_a_trace_is_loaded_and_queried() {
    const OF_EACH: usize = 30;
    let folder = Folder::new();
    folder.write(FILE, &trace(OF_EACH));
    let up = Up::start(&folder).await;
    // So few at a time that queries are answered in time also on a slow machine.
    let loading = load(&folder, &up.ready().url, &["--concurrency", "4"]);
    let answered = AtomicUsize::new(0);
    let querying = async {
        loop {
            // Fails the test when there are errors in the answer.
            let data = up.query(
                "{ droplets(first: 20) { totalCount nodes { id name status } } \
                 jobs(first: 20) { totalCount nodes { id status } } counts { jobsByKind { count } } }",
            );
            let data = data.await;
            assert!(data["droplets"]["totalCount"].is_number(), "{data}");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let rebuilding = async {
        until("a part of the trace is there", async || {
            let position = &status(&folder, "droplets").await["position"];
            (position.as_i64() > Some(50)).then_some(())
        })
        .await;
        for name in ["droplets", "jobs"] {
            let done = operate(&folder, &["rebuild", name, "--reason", "a test", "--wait"]).await;
            let (printed, said) = (printed(&done), said(&done));
            assert!(
                printed.starts_with(&format!("the rebuild of {name} is live: generation 2")),
                "{printed}"
            );
            assert!(
                said.contains(&format!("{name}: ")),
                "progress is reported: {said}"
            );
        }
    };
    let table = tokio::select! {
        (table, ()) = async { tokio::join!(loading, rebuilding) } => table,
        () = querying => unreachable!("one can always ask"),
    };
    assert!(answered.load(Ordering::Relaxed) > 0);
    let (droplets, jobs) = end(OF_EACH);
    assert_eq!((&table["droplets"], &table["jobs"]), (&droplets, &jobs));
    let database = PgPool::connect(&up.ready().database_url).await.unwrap();
    assert_all_agree(&up, &database, &table).await;
    for projection in projections::all() {
        let generation = status(&folder, projection.name()).await["generation"]
            .as_i64()
            .unwrap();
        let rebuilt = ["droplets", "jobs"].contains(&projection.name());
        assert_eq!(generation, if rebuilt { 2 } else { 1 });
        let compared = projections::compare::compare(
            &database,
            projection.as_ref(),
            i32::try_from(generation).unwrap(),
            projections::compare::Sample::ALL,
        )
        .await
        .unwrap();
        assert_eq!(compared.differences, 0, "{compared:?}");
    }
    assert!(up.stop().await.success());
}

#[tokio::test]
async fn interrupting_the_wait_leaves_a_rebuild_alone_and_giving_up_cancels_it() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    // Nothing is filled while it is paused, so the rebuild does not end by itself.
    provision(&up, "web-1").await;
    until("there is an event", async || {
        (status(&folder, "droplets").await["position"] == 1).then_some(())
    })
    .await;
    let paused = operate(&folder, &["pause", "droplets", "--reason", "a test"]).await;
    assert!(paused.status.success());
    let waiting = program(
        &folder,
        [
            "projections",
            "--data",
            "data",
            "rebuild",
            "droplets",
            "--wait",
        ],
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    until("it is asked for", async || {
        let building = &status(&folder, "droplets").await["building"];
        building.is_object().then_some(())
    })
    .await;
    let again = operate(&folder, &["rebuild", "droplets"]).await;
    assert!(
        said(&again).contains("is being built already"),
        "{}",
        said(&again)
    );
    super::program::signal(waiting.id().unwrap(), rustix::process::Signal::INT);
    let interrupted = waiting.wait_with_output().await.unwrap();
    assert_eq!(interrupted.status.code(), Some(1));
    assert!(
        said(&interrupted).contains("continues"),
        "{}",
        said(&interrupted)
    );
    assert!(status(&folder, "droplets").await["building"].is_object());

    // One can wait for it again.
    let waiting = [
        "projections",
        "--data",
        "data",
        "rebuild",
        "droplets",
        "--wait",
    ];
    let mut waiting = program(&folder, waiting)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap();
    assert_eq!(
        first.as_deref(),
        Some("droplets is being rebuilt already (generation 2): waiting for that rebuild")
    );

    let given_up = printed(&operate(&folder, &["give-up", "droplets"]).await);
    assert_eq!(
        given_up,
        "the rebuild of droplets (generation 2) is cancelled\n"
    );
    let mut last = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        last = line;
    }
    assert!(
        last.contains("the rebuild of droplets (generation 2) was cancelled"),
        "{last}"
    );
    assert_eq!(waiting.wait().await.unwrap().code(), Some(1));
    let nothing = operate(&folder, &["give-up", "droplets"]).await;
    assert_eq!(nothing.status.code(), Some(1));
    assert_eq!(status(&folder, "droplets").await["building"], Value::Null);
    assert!(up.stop().await.success());
}
