//! Commands per second through the grouped append, compared with bare inserts of the same rows. The inserts
//! write one row or a hundred rows per commit, without locks, checks and the sequencer's proof.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::droplet::{DropletEvent, DropletTagged};
use domain::ids::{CommandId, CorrelationId, DropletId, OrgId};
use domain::registry::Event;
use domain::tag::Tag;
use event_store::consume::wake::Wake;
use event_store::envelope::{Metadata, RequestSource, StreamId, Version};
use event_store::incarnation;
use event_store::pool::{self, Purpose};
use event_store::write::append::{Append, Outcome, StreamAppend};
use event_store::write::command::{CommandOutcome, CommandRecord};
use event_store::write::group::Appender;
use sqlx::PgPool;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Duration of a measurement of bare inserts.
const LASTS: Duration = Duration::from_secs(2);
/// Duration of a measurement of appends. Short, because the tables grow and the machine may be busy: both ways to
/// append meet the same.
const TURN: Duration = Duration::from_millis(250);
/// The number of measurements of each way to append.
const TURNS: usize = 40;

/// Measures the rates and prints the table.
pub(crate) async fn run(url: &str, writers: &[usize]) -> anyhow::Result<()> {
    let owner = pool::connect(url, Purpose::Maintenance, 1).await?;
    schema::migrate::migrate(&owner).await?;
    owner.close().await;
    let pool = pool::connect(url, Purpose::Commands, 8).await?;
    incarnation::ensure(&pool).await?;
    let floor = bare_inserts(&pool, 1).await?;
    println!("{:<56}{:>12}{:>8}", "", "events/s", "ratio");
    let row = |name: &str, rate: f64| println!("{name:<56}{rate:>12.0}{:>8.2}", rate / floor);
    row("bare insert, 1 row a commit", floor);
    row(
        "bare insert, 100 rows a commit",
        bare_inserts(&pool, 100).await?,
    );
    for &writers in writers {
        let (mut without, mut recorded) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            without.push(appends(&pool, writers, Records::None).await?);
            recorded.push(appends(&pool, writers, Records::Each).await?);
        }
        let name = |records: &str| format!("append, {writers} concurrent commands, {records}");
        let (without, recorded) = (median(without), median(recorded));
        row(&name("without records"), without);
        row(&name("recorded"), recorded);
        println!("{:<56}{:>20.2}", "  recorded / without", recorded / without);
    }
    Ok(())
}

/// Returns the median of the measurements.
fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

async fn bare_inserts(pool: &PgPool, rows: usize) -> anyhow::Result<f64> {
    let metadata = serde_json::to_string(&metadata())?;
    let started = Instant::now();
    let mut written = 0;
    while started.elapsed() < LASTS {
        let streams: Vec<Uuid> = (0..rows).map(|_| new_id()).collect();
        sqlx::query(
            "insert into es.events (stream_id, version, shard, event_id, org_id, event_type, \
                 schema_version, data, metadata) \
             select id, 1, 0, id, 'bench', 'droplet_tagged', 1, '{\"tag\":\"bench\"}', $2::json \
             from unnest($1::uuid[]) as s(id)",
        )
        .bind(streams)
        .bind(&metadata)
        .execute(pool)
        .await?;
        written += rows;
    }
    Ok(written as f64 / started.elapsed().as_secs_f64())
}

/// Whether commands are recorded beside their events, as the platform does.
#[derive(Clone, Copy)]
enum Records {
    None,
    Each,
}

async fn appends(pool: &PgPool, writers: usize, records: Records) -> anyhow::Result<f64> {
    let (appender, group) = Appender::new(pool.clone(), Wake::default());
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for _ in 0..writers {
        let appender = appender.clone();
        tasks.spawn(async move { append_until(&appender, started + TURN, records).await });
    }
    drop(appender);
    let (written, ()) = tokio::join!(tasks.join_all(), group.run());
    let written = written.into_iter().sum::<anyhow::Result<usize>>()?;
    Ok(written as f64 / started.elapsed().as_secs_f64())
}

async fn append_until(
    appender: &Appender,
    until: Instant,
    records: Records,
) -> anyhow::Result<usize> {
    let mut written = 0;
    while Instant::now() < until {
        let stream: StreamId = DropletId::new(new_id()).into();
        let event: Event = DropletEvent::Tagged(DropletTagged {
            tag: Tag::parse("bench")?,
        })
        .into();
        let append = StreamAppend {
            stream,
            expected: Version::NONE,
            events: vec![event],
        };
        let append = Append {
            record: match records {
                Records::None => None,
                Records::Each => Some(record(stream)),
            },
            ..Append::new(OrgId::parse("bench")?, vec![append], metadata())
        };
        let outcome = appender.append(append).await?;
        anyhow::ensure!(outcome == Outcome::Appended, "a new stream has no rival");
        written += 1;
    }
    Ok(written)
}

/// The record of a command that adds a tag.
fn record(stream: StreamId) -> CommandRecord {
    let uuid = stream.uuid;
    CommandRecord {
        name: "tag_droplet".into(),
        stream: Some(stream),
        credential: None,
        outcome: CommandOutcome::Accepted,
        rule: None,
        times: 1,
        input: format!(r#"{{"argument":"bench","droplet":"{uuid}"}}"#),
        basis: format!(r#"{{"read":[[0,"{uuid}",0]]}}"#),
    }
}

fn metadata() -> Metadata {
    Metadata {
        actor: "bench".to_owned(),
        command_id: CommandId::new(new_id()),
        correlation_id: CorrelationId::new(new_id()),
        causation_id: None,
        traceparent: None,
        source: RequestSource::Api,
        occurred_at: DateTime::<Utc>::UNIX_EPOCH,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is an edge: ids enter here"
)]
fn new_id() -> Uuid {
    Uuid::now_v7()
}
