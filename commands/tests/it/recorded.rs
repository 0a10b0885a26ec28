//! Commands are recorded, accepted or not, and the same is decided again from the history alone.

use commands::cluster::NewCluster;
use commands::context::Context;
use commands::droplet::NewDroplet;
use commands::error::CommandError;
use commands::execute::{Commands, Denial};
use commands::replay;
use domain::cluster::{ClusterUpdate, NodeLimits};
use domain::droplet::{Address, AddressKind, DropletUpdate};
use domain::ids::ClusterId;
use domain::job::{JobUpdate, Runner};
use domain::name::{ClusterName, WorkerName};
use event_store::audit::finding::{Findings, Progress};
use event_store::audit::{Audit, Bounds};
use event_store::pool::Purpose;
use serde_json::json;
use sqlx::AssertSqlSafe;
use testkit::events::sequence;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Platform, by_process, cluster, code, droplet, failed, job_on, keyed, new_job, platform_droplet,
    rename, request, request_of, tag,
};

/// What was recorded, in the order of the records: name, outcome, rule.
async fn recorded(platform: &Platform) -> Vec<(String, String, Option<String>)> {
    sqlx::query_as(
        "select name, outcome, record::json ->> 'rule' from es.commands order by recorded_at",
    )
    .fetch_all(&platform.pool())
    .await
    .expect("Postgres answers")
}

fn entry(name: &str, outcome: &str, rule: Option<&str>) -> (String, String, Option<String>) {
    (name.to_owned(), outcome.to_owned(), rule.map(str::to_owned))
}

async fn decided_again(platform: &Platform) -> Findings {
    sequence(&platform.pool()).await;
    let pool = platform.database.pool_for(Purpose::Audit).await;
    let progress = Progress::default();
    let audit = Audit {
        pool: &pool,
        bounds: Bounds::read(&pool).await.expect("Postgres answers"),
        progress: &progress,
    };
    replay::check(&audit, |_| true)
        .await
        .expect("Postgres answers")
}

async fn execute(platform: &Platform, statements: String) {
    let all = format!("set local session_replication_role = replica; {statements}");
    let mut session = platform.pool().begin().await.expect("begins");
    sqlx::raw_sql(AssertSqlSafe(all))
        .execute(&mut *session)
        .await
        .expect("Postgres answers");
    session.commit().await.expect("commits");
}

#[tokio::test]
async fn every_outcome_is_recorded() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let id = new.id;
    let sender = Context {
        credential: Some("key-7".to_owned()),
        ..keyed("k")
    };
    commands
        .provision_droplet(&sender, new)
        .await
        .expect("it is accepted");
    let again = commands.droplet(&request(), id, tag("a")).await;
    again.expect("it is accepted");
    let again = commands.droplet(&request(), id, tag("a")).await;
    again.expect("it has the tag already");
    let taken = commands.provision_droplet(&request(), droplet("web")).await;
    assert_eq!(code(taken), "NAME_TAKEN");
    let reused = commands.droplet(&keyed("k"), id, tag("b")).await;
    assert!(matches!(reused, Err(CommandError::KeyReused)), "{reused:?}");
    let unreadable = commands.droplet(&keyed("\n"), id, tag("b")).await;
    assert_eq!(code(unreadable), "INVALID_IDEMPOTENCY_KEY");
    let denial = Denial {
        name: "delete_droplet".to_owned(),
        rule: "COMMAND".to_owned(),
        input: json!({ "id": "x" }),
    };
    commands.denied(&request(), denial).await;
    assert_eq!(
        recorded(&platform).await,
        [
            entry("provision_droplet", "ACCEPTED", None),
            entry("tag_droplet", "ACCEPTED", None),
            entry("tag_droplet", "UNCHANGED", None),
            entry("provision_droplet", "REJECTED", Some("NAME_TAKEN")),
            entry("tag_droplet", "REJECTED", Some("IDEMPOTENCY_KEY_REUSED")),
            entry("tag_droplet", "REJECTED", Some("INVALID_IDEMPOTENCY_KEY")),
            entry("delete_droplet", "DENIED", Some("COMMAND")),
        ]
    );
    let (credential, actor, input, basis): (String, String, String, String) = sqlx::query_as(
        "select record::json ->> 'credential', actor, record::json ->> 'input', record::json ->> 'basis' \
         from es.commands order by recorded_at limit 1",
    )
    .fetch_one(&platform.pool())
    .await
    .expect("Postgres answers");
    assert_eq!((&*credential, &*actor), ("key-7", "ann"));
    assert!(input.contains(r#""name":"web""#), "{input}");
    assert!(basis.contains(&format!(r#"[0,"{id}",0]"#)), "{basis}");
    assert!(basis.contains(r#""idempotency_key":"api:k""#), "{basis}");
}

#[tokio::test]
async fn a_refused_client_gets_the_same_refusal_under_its_key() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let first = droplet("web");
    one.provision_droplet(&request(), first.clone())
        .await
        .expect("it is accepted");
    let second = || NewDroplet {
        id: droplet("web").id,
        ..droplet("web")
    };
    let refused = one.provision_droplet(&keyed("k"), second()).await;
    assert_eq!(code(refused), "NAME_TAKEN");
    // The name is free now: a client whose answer was lost must not get a droplet that it was refused.
    one.droplet(&request(), first.id, rename("db"))
        .await
        .expect("it is accepted");
    let events = platform.count().await;
    for process in [&one, &two] {
        let again = process.provision_droplet(&keyed("k"), second()).await;
        assert_eq!(code(again), "NAME_TAKEN");
    }
    assert_eq!(platform.count().await, events);
    two.provision_droplet(&keyed("another"), second())
        .await
        .expect("it is accepted");
}

#[tokio::test]
async fn a_process_manager_decides_anew_after_a_refusal() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = platform_droplet("web");
    let step = || Context {
        idempotency_key: Some("step".to_owned()),
        ..by_process()
    };
    let early = commands.droplet(&step(), new.id, failed()).await;
    assert_eq!(code(early), "DROPLET_NOT_FOUND");
    commands
        .provision_droplet(&request(), new.clone())
        .await
        .expect("it is accepted");
    let late = commands.droplet(&step(), new.id, failed()).await;
    late.expect("the step is possible now");
}

#[tokio::test]
async fn floods_of_one_actor_are_counted() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let absent = droplet("web").id;
    for _ in 0..200 {
        let refused = commands.droplet(&request(), absent, tag("a")).await;
        assert_eq!(code(refused), "DROPLET_NOT_FOUND");
    }
    let other = Context {
        actor: "ben".to_owned(),
        ..request()
    };
    let refused = commands.droplet(&other, absent, tag("a")).await;
    assert_eq!(code(refused), "DROPLET_NOT_FOUND");
    let stop = CancellationToken::new();
    stop.cancel();
    commands.clone().record_floods(stop).await;
    let (records, times, of_ben): (i64, i64, i64) = sqlx::query_as(
        "select count(*), sum(coalesce((record::json ->> 'times')::integer, 1)), \
            count(*) filter (where actor = 'ben') from es.commands",
    )
    .fetch_one(&platform.pool())
    .await
    .expect("Postgres answers");
    assert!(records < 100, "{records} records of 201 commands");
    assert_eq!((times, of_ben), (201, 1));
}

/// Whatever else its sender does.
#[tokio::test]
async fn a_repeated_command_is_known_in_a_flood_of_refusals() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let id = new.id;
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    let first = commands.droplet(&keyed("k"), id, failed()).await;
    let first = first.expect("it is accepted");
    for _ in 0..100 {
        let refused = commands.droplet(&request(), id, tag("a")).await;
        assert_eq!(code(refused), "DROPLET_FAILED");
    }
    let again = commands.droplet(&keyed("k"), id, failed()).await;
    assert_eq!(again.expect("it is known"), first);
}

/// All use cases, accepted and refused, by writers that meet.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_command_is_decided_again_as_it_was() {
    let mut platform = Platform::new().await;
    let processes = [platform.process(), platform.process()];
    let shared = cluster("shared");
    processes[0]
        .create_cluster(&request(), shared.clone())
        .await
        .expect("it is accepted");
    let mut writers = JoinSet::new();
    for number in 0..8 {
        let commands = processes[number % 2].clone();
        let shared = shared.id;
        writers.spawn(async move { life(&commands, number, shared).await });
    }
    writers.join_all().await;

    let found = decided_again(&platform).await;
    assert_eq!(found.first, None);
    let outcomes: Vec<(String, i64)> = sqlx::query_as(
        "select outcome, count(*) from es.commands group by outcome order by outcome",
    )
    .fetch_all(&platform.pool())
    .await
    .expect("Postgres answers");
    let decided: i64 = outcomes
        .iter()
        .filter(|(outcome, _)| outcome != "CONFLICT")
        .map(|(_, count)| count)
        .sum();
    assert_eq!(found.compared, decided.unsigned_abs());
    for outcome in ["ACCEPTED", "UNCHANGED", "REJECTED"] {
        assert!(
            outcomes.iter().any(|(name, _)| name == outcome),
            "{outcomes:?}"
        );
    }
}

/// The life of things with names that other writers want too, in a cluster that all fill. Any of it may be refused.
async fn life(commands: &Commands, number: usize, shared: ClusterId) {
    let request = request();
    let own = NewCluster {
        description: "of one writer".to_owned(),
        ..cluster(&format!("own-{}", number % 3))
    };
    let _ = commands.create_cluster(&request, own.clone()).await;
    let name = |text: &str| ClusterName::parse(text).expect("a good name");
    for update in [
        ClusterUpdate::Rename {
            name: name(&format!("other-{number}")),
        },
        ClusterUpdate::Describe {
            description: "x".to_owned(),
        },
        ClusterUpdate::SetNodeLimits {
            limits: NodeLimits {
                minimum: 0,
                maximum: 0,
            },
        },
        ClusterUpdate::StartMaintenance,
        ClusterUpdate::EndMaintenance,
    ] {
        let _ = commands.cluster(&request, own.id, update).await;
    }
    let agents = NewDroplet {
        cluster: Some(shared),
        tags: vec![domain::tag::Tag::parse("t").expect("a tag")],
        ..droplet(&format!("web-{}", number % 4))
    };
    let of_agent = agents.id;
    let _ = commands.provision_droplet(&request, agents).await;
    let of_platform = platform_droplet(&format!("db-{}", number % 4));
    let id = of_platform.id;
    let _ = commands.provision_droplet(&request, of_platform).await;
    let address = Address {
        kind: AddressKind::Public,
        ip: "2001:db8::1".parse().expect("an address"),
    };
    for update in [
        DropletUpdate::ReportActive {
            addresses: vec![address],
        },
        tag("a"),
        tag("a"),
        rename(&format!("api-{}", number % 4)),
        DropletUpdate::Protect,
        failed(),
    ] {
        let _ = commands.droplet(&request, of_agent, update).await;
    }
    let _ = commands.delete_droplet(&request, of_agent, new_job()).await;
    let unprotect = DropletUpdate::Unprotect;
    let _ = commands.droplet(&request, of_agent, unprotect).await;
    let _ = commands.delete_droplet(&request, of_agent, new_job()).await;
    let _ = commands.delete_droplet(&request, id, new_job()).await;
    let deleted = DropletUpdate::ReportDeleted;
    let _ = commands.droplet(&request, of_agent, deleted).await;
    let job = new_job();
    let mut new = job_on(id, Runner::Agent);
    new.parameters.insert("n".to_owned(), json!(1.5));
    let _ = commands.submit_job(&request, job, new).await;
    let worker = WorkerName::parse("w").expect("a name");
    for update in [
        JobUpdate::Start { worker },
        JobUpdate::Progress {
            percent: 40,
            message: Some("on it".to_owned()),
        },
        JobUpdate::Succeed {
            result: Some(json!({ "ok": true })),
        },
        JobUpdate::Fail {
            error: "late".to_owned(),
        },
        JobUpdate::Cancel {
            reason: "late".to_owned(),
        },
    ] {
        let _ = commands.job(&request, job, update).await;
    }
    let _ = commands.delete_cluster(&request, own.id).await;
    let foreign = request_of("other");
    let _ = commands.droplet(&foreign, id, tag("b")).await;
    let _ = commands
        .submit_job(&foreign, new_job(), job_on(id, Runner::Agent))
        .await;
}

#[tokio::test]
async fn what_was_altered_afterwards_is_found() {
    for (alteration, found) in [
        (
            "update es.events set data = '{\"tag\": \"bbb\"}' where event_type = 'droplet_tagged'",
            "bbb",
        ),
        ("delete from es.commands where name = 'tag_droplet'", "none"),
        (
            "update es.commands set outcome = 'REJECTED', record = jsonb_set(record::jsonb, '{rule}', '\"X\"')::text where name = 'tag_droplet'",
            "ACCEPTED",
        ),
        (
            "update es.commands set record = jsonb_set(record::jsonb, '{input}', '{\"droplet\": 1}')::text where name = 'tag_droplet'",
            "cannot be read",
        ),
        (
            "update es.commands set record = jsonb_set(record::jsonb, '{basis}', '{\"read\": []}')::text where name = 'tag_droplet'",
            "neither record nor history",
        ),
        (
            "update es.events set metadata = jsonb_set(metadata::jsonb, '{command_id}', '\"00000000-0000-0000-0000-000000000000\"')::json \
            where event_type = 'droplet_tagged'",
            "[]",
        ),
    ] {
        let mut platform = Platform::new().await;
        let commands = platform.process();
        let new = droplet("web");
        let id = new.id;
        commands
            .provision_droplet(&request(), new)
            .await
            .expect("it is accepted");
        commands
            .droplet(&request(), id, tag("a"))
            .await
            .expect("it is accepted");
        execute(&platform, alteration.to_owned()).await;
        let findings = decided_again(&platform).await;
        assert!(findings.differences > 0, "{alteration}: {findings:?}");
        let first = findings.first.expect("there is one");
        assert!(first.found.contains(found), "{alteration}: {first:?}");
    }
}

/// As if the clock was ahead by two months for a while.
#[tokio::test]
async fn commands_that_were_recorded_in_the_future_are_decided_again() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let refused = commands
        .droplet(&request(), droplet("web").id, tag("a"))
        .await;
    assert_eq!(code(refused), "DROPLET_NOT_FOUND");
    execute(
        &platform,
        "select es.create_partition('commands', es.period_at(now() + interval '60 days', 10)); \
         update es.commands set recorded_at = recorded_at + interval '60 days'"
            .to_owned(),
    )
    .await;
    let findings = decided_again(&platform).await;
    assert_eq!((findings.compared, findings.differences), (1, 0));
}

#[tokio::test]
async fn commands_of_another_version_are_not_decided_again() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let refused = commands
        .droplet(&request(), droplet("web").id, tag("a"))
        .await;
    assert_eq!(code(refused), "DROPLET_NOT_FOUND");
    execute(
        &platform,
        "update es.commands set program = '0.0.0', record = jsonb_set(record::jsonb, '{rule}', '\"OLD\"')::text"
            .to_owned(),
    )
    .await;
    let findings = decided_again(&platform).await;
    assert_eq!((findings.compared, findings.differences), (0, 0));
    assert_eq!(findings.notes.len(), 1);
}
