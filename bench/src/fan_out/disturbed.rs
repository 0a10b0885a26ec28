//! Subscribers of a platform that is idle, is killed, or has a foreign write transaction beside it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tokio::time::{interval, sleep};

use super::crowd::Sent;
use super::ours::Followed;
use super::{APART, DELIVERED, P50, P99, SUBSCRIBERS};
use crate::platform::Platform;
use crate::report::Report;
use crate::settings::Settings as Suite;

/// Number of events that each subscriber must receive.
const EVENTS: usize = 30;

/// Time between two events beside an open transaction. The transaction begins before the first event and
/// stays open for all of them: together a minute.
const FAR_APART: Duration = Duration::from_millis(2_100);

/// The event after which the platform is killed.
const KILLED_AFTER: usize = 15;

/// Duration of the count of transactions, and the delay before it. An idle backend of Postgres reports its
/// counters within 10 s.
const IDLE: Duration = Duration::from_secs(10);
const SETTLED: Duration = Duration::from_secs(11);

/// A disturbance of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Killed,
    BesideOpenTransaction,
}

impl Fate {
    fn work(self) -> &'static str {
        match self {
            Self::Killed => "kill -9 after event 15",
            Self::BesideOpenTransaction => "beside an open transaction",
        }
    }

    fn apart(self) -> Duration {
        match self {
            Self::Killed => APART,
            Self::BesideOpenTransaction => FAR_APART,
        }
    }
}

/// Counts the transactions of an idle platform, without subscribers and with them.
///
/// # Errors
/// When the platform fails.
pub(super) async fn idle(suite: &Suite, report: &mut Report) -> anyhow::Result<()> {
    const UNIT: &str = "statements/s";
    let platform = Platform::start(&suite.program).await?;
    let measured = async {
        let alone = transactions_a_second(&platform).await?;
        report.add("idle, without subscribers", "ours", UNIT, alone);
        let mut followed = Followed::prepare(&platform, "demo").await?;
        followed.join(SUBSCRIBERS);
        followed.listen(&platform).await?;
        let with_them = transactions_a_second(&platform).await?;
        let work = format!("idle, {SUBSCRIBERS} subscribers");
        report.add(&work, "ours", UNIT, with_them);
        Ok(())
    };
    let measured: anyhow::Result<()> = measured.await;
    platform.stop().await?;
    measured
}

/// Measures deliveries while the platform is disturbed.
///
/// # Errors
/// When the platform fails, or an event is lost, duplicated or wrong.
pub(super) async fn measure(suite: &Suite, fate: Fate, report: &mut Report) -> anyhow::Result<()> {
    let mut platform = Platform::start(&suite.program).await?;
    let measured = deliver(&mut platform, fate, report).await;
    platform.stop().await?;
    measured
}

async fn deliver(platform: &mut Platform, fate: Fate, report: &mut Report) -> anyhow::Result<()> {
    let mut followed = Followed::prepare(platform, "demo").await?;
    followed.join(SUBSCRIBERS);
    followed.listen(platform).await?;
    let open = match fate {
        Fate::BesideOpenTransaction => Some(open_transaction(platform).await?),
        Fate::Killed => None,
    };
    let (sent, down) = send(platform, &followed, fate).await?;
    let delivered = followed.crowd.receive(&sent).await?;
    // Everything was delivered while it was open.
    if let Some(open) = open {
        open.close().await?;
    }
    let work = fate.work();
    report.add(work, "ours", DELIVERED, delivered.count() as f64);
    report.add(work, "ours", P50, delivered.percentile(50));
    report.add(work, "ours", P99, delivered.percentile(99));
    if fate == Fate::Killed {
        report.add(work, "ours", "s down", down.as_secs_f64());
    }
    Ok(())
}

/// Sends the events. Returns what was sent, and the downtime of the platform.
async fn send(
    platform: &mut Platform,
    followed: &Followed,
    fate: Fate,
) -> anyhow::Result<(HashMap<u64, Sent>, Duration)> {
    let mut sent = HashMap::new();
    let mut down = Duration::ZERO;
    let mut ticks = interval(fate.apart());
    for number in 0..EVENTS {
        ticks.tick().await;
        let (version, one) = followed.send_one(platform, number).await?;
        sent.insert(version, one);
        if fate == Fate::Killed && number + 1 == KILLED_AFTER {
            let killed = Instant::now();
            platform.restart().await?;
            down = killed.elapsed();
            ticks.reset();
        }
    }
    Ok((sent, down))
}

/// Opens a transaction that has drawn the number of an event, and holds the lock of writers.
async fn open_transaction(platform: &Platform) -> anyhow::Result<PgConnection> {
    let mut connection = PgConnection::connect(platform.database_url()).await?;
    sqlx::raw_sql(
        "begin; lock table es.events in row exclusive mode; \
         select nextval(pg_get_serial_sequence('es.events', 'seq'))",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

/// Transactions per second while idle, as Postgres counts them. Every single statement is a transaction.
async fn transactions_a_second(platform: &Platform) -> anyhow::Result<f64> {
    let mut connection = PgConnection::connect(platform.database_url()).await?;
    sleep(SETTLED).await;
    let before = transactions(&mut connection).await?;
    sleep(IDLE).await;
    let after = transactions(&mut connection).await?;
    connection.close().await?;
    Ok((after - before) as f64 / IDLE.as_secs_f64())
}

async fn transactions(connection: &mut PgConnection) -> anyhow::Result<i64> {
    let count = sqlx::query_scalar(
        "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()",
    );
    Ok(count.fetch_one(connection).await?)
}
