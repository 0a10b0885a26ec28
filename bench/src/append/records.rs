//! The price of the records of commands: appends with and without them, on new streams.

use std::time::{Duration, Instant};

use domain::droplet::{DropletEvent, DropletTagged};
use domain::ids::{DropletId, OrgId};
use domain::registry::Event;
use domain::tag::Tag;
use event_store::consume::wake::Wake;
use event_store::envelope::{StreamId, Version};
use event_store::write::append::{Append, Outcome, StreamAppend};
use event_store::write::command::{CommandOutcome, CommandRecord};
use event_store::write::group::Appender;
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::RATE;
use crate::metadata::{metadata, new_id};
use crate::report::{Bound, Report, median};

/// Duration of a measurement of appends. Short, because the tables grow and the machine may be busy: both ways to
/// append meet the same.
const TURN: Duration = Duration::from_millis(250);
/// The measurements of each way to append, in a round.
const TURNS: usize = 12;

/// The numbers of concurrent commands.
const WRITERS: [usize; 3] = [1, 16, 64];

/// Measures both ways in turn, and adds the goal.
///
/// # Errors
/// When Postgres fails.
pub(super) async fn measure(pool: &PgPool, report: &mut Report, rounds: u16) -> anyhow::Result<()> {
    for writers in WRITERS {
        let work = format!("record of a command, {writers} callers");
        for _ in 0..rounds {
            let (mut without, mut recorded) = (Vec::new(), Vec::new());
            for _ in 0..TURNS {
                without.push(appends(pool, writers, Records::None).await?);
                recorded.push(appends(pool, writers, Records::Each).await?);
            }
            report.add(&work, "without", RATE, median(&without));
            report.add(&work, "recorded", RATE, median(&recorded));
        }
        let of = |side| report.median(&work, side, RATE);
        let (recorded, without) = (of("recorded"), of("without"));
        report.goal(&work, recorded, without, Bound::AtLeast(0.85));
    }
    Ok(())
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
            ..Append::new(OrgId::parse("records")?, vec![append], metadata())
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
