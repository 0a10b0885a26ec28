//! Waits for quiescence, the state in which the platform has no work left.

use std::time::Duration;

use anyhow::bail;
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use crate::servers::postgres::Address;

/// Poll interval of the condition.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// Progress of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) events: i64,
    /// Events without a position.
    pub(crate) unsequenced: i64,
    pub(crate) head: i64,
}

impl Progress {
    /// Reads the progress with a new connection.
    pub(crate) async fn fetch(address: &Address) -> anyhow::Result<Self> {
        let mut connection = address.connect().await?;
        Self::read(&mut connection).await
    }

    async fn read(connection: &mut PgConnection) -> anyhow::Result<Self> {
        let (events, positions, head): (i64, i64, i64) = sqlx::query_as(
            "select (select count(*) from es.events), (select count(*) from es.log), \
                 (select position from es.log_head)",
        )
        .fetch_one(connection)
        .await?;
        let unsequenced = events - positions;
        Ok(Self {
            events,
            unsequenced,
            head,
        })
    }
}

/// Waits until every event has a position, no job of the platform is left, every consumer is at the head, and
/// no rebuild runs. Returns the progress at that time.
///
/// # Errors
/// When `patience` has passed. The error says which conditions do not hold.
pub(crate) async fn wait(address: &Address, patience: Duration) -> anyhow::Result<Progress> {
    let begun = Instant::now();
    loop {
        let missing = match check(address).await {
            Ok((progress, missing)) if missing.is_empty() => return Ok(progress),
            Ok((_, missing)) => missing.join("; "),
            Err(error) => format!("{error:#}"),
        };
        if begun.elapsed() > patience {
            bail!("not quiescent after {} s: {missing}", patience.as_secs());
        }
        sleep(POLL_INTERVAL).await;
    }
}

async fn check(address: &Address) -> anyhow::Result<(Progress, Vec<String>)> {
    let mut connection = address.connect().await?;
    let progress = Progress::read(&mut connection).await?;
    let mut missing = Vec::new();
    if progress.unsequenced != 0 {
        missing.push(format!("{} events have no position", progress.unsequenced));
    }
    let todo: i64 = sqlx::query_scalar("select count(*) from process.todo")
        .fetch_one(&mut connection)
        .await?;
    if todo != 0 {
        missing.push(format!("{todo} jobs of the platform are not done"));
    }
    let behind: Vec<(String, i32, i64)> = sqlx::query_as(
        "select c.consumer, c.generation, sum(h.position - c.position)::bigint \
         from es.checkpoints c \
         join (select shard, max(position) as position from es.log group by shard) h using (shard) \
         where h.position > c.position group by 1, 2",
    )
    .fetch_all(&mut connection)
    .await?;
    for (consumer, generation, positions) in behind {
        missing.push(format!(
            "`{consumer}` (generation {generation}) is {positions} positions behind, over all shards"
        ));
    }
    let rebuilding: Vec<String> = sqlx::query_scalar(
        "select consumer || ' ' || generation || ' is ' || state from es.generations \
         where state in ('BUILDING', 'FAILED')",
    )
    .fetch_all(&mut connection)
    .await?;
    missing.extend(rebuilding);
    let paused: Vec<String> = sqlx::query_scalar("select consumer || ' is paused' from es.paused")
        .fetch_all(&mut connection)
        .await?;
    missing.extend(paused);
    let followed: i64 = sqlx::query_scalar("select count(distinct consumer) from es.checkpoints")
        .fetch_one(&mut connection)
        .await?;
    if followed == 0 {
        missing.push("no consumer has started".to_owned());
    }
    Ok((progress, missing))
}
