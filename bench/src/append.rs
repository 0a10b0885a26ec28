//! Commands a second, through `commands`, compared with single-row commits by `pgbench` on the same Postgres.
//!
//! A command here has one event. It is decided on a stream in memory, appended with its record, and answered after the
//! commit, as in production. The other side inserts rows of the same size into a table with a primary key alone.

pub(crate) mod callers;
mod commits;
mod records;

use clap::Args;
use event_store::incarnation;
use event_store::pool::{self, Purpose};

use self::callers::{Callers, Work};
use crate::report::{Bound, Report};
use crate::settings::Settings as Suite;

/// The works that are measured.
pub(crate) const WORKS: [Work; 2] = [Work::Existing, Work::New];

const RATE: &str = "events/s";
const LATENCY: &str = "ms (mean)";

/// Settings of `append`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    suite: Suite,
    /// Numbers of concurrent callers, separated by commas.
    #[arg(long, default_value = "1,8,64,256", value_delimiter = ',')]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    callers: Vec<u16>,
}

/// Measures all sides, and writes the report.
///
/// # Errors
/// When Postgres or `pgbench` fails, or a command is refused or lost.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let suite = &settings.suite;
    suite.create_dir()?;
    let owner = pool::connect(&suite.database_url, Purpose::Maintenance, 1).await?;
    schema::migrate::migrate(&owner).await?;
    commits::create(&owner).await?;
    let pool = pool::connect(&suite.database_url, Purpose::Commands, 8).await?;
    incarnation::ensure(&pool).await?;
    let most = settings.callers.iter().copied().max().unwrap_or(1);
    let callers = Callers::prepare(pool.clone(), most).await?;
    let mut report = Report::new("append");
    for _ in 0..suite.rounds {
        for &count in &settings.callers {
            for work in WORKS {
                let measured = callers.measure(work, count, suite.length()).await?;
                report.add(&name(work, count), "ours", RATE, measured.per_second);
                report.add(&name(work, count), "ours", LATENCY, measured.mean_millis);
            }
            let clients = count.min(commits::MOST_CLIENTS);
            for rows in commits::ROWS {
                let measured = commits::measure(suite, clients, rows).await?;
                let work = commits::name(clients, rows);
                report.add(&work, "pgbench", RATE, measured.per_second);
                report.add(&work, "pgbench", LATENCY, measured.mean_millis);
            }
        }
    }
    records::measure(&pool, &mut report, suite.rounds).await?;
    callers.check(&owner).await?;
    goals(&mut report);
    report.finish(suite)
}

fn name(work: Work, callers: u16) -> String {
    format!("{}, {callers} callers", work.name())
}

fn goals(report: &mut Report) {
    for work in WORKS {
        report.goal(
            &format!(
                "{}: 64 callers, of single-row commits by 32 clients",
                work.name()
            ),
            report.median(&name(work, 64), "ours", RATE),
            report.median(&commits::name(32, 1), "pgbench", RATE),
            Bound::AtLeast(2.0),
        );
        report.goal(
            &format!(
                "{}: latency of 1 caller, of a single-row commit",
                work.name()
            ),
            report.median(&name(work, 1), "ours", LATENCY),
            report.median(&commits::name(1, 1), "pgbench", LATENCY),
            Bound::AtMost(1.3),
        );
    }
}
