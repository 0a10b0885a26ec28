//! Costs that grow with the history: appends, loads of streams and each kind of query, on a small and on a large history; and
//! the bytes of an event on disk.
//!
//! The databases are beside each other on one Postgres, and take turns. The large one has the same 10 live droplets as the
//! small one among more deleted ones. No relay runs.

mod disk;
mod history;
mod queries;

use self::history::{History, turn};
use crate::append::WORKS;
use crate::append::callers::Work;
use crate::report::{Bound, Report};
use crate::servers::Servers;
use crate::settings::Settings;

const LATENCY: &str = "ms";

/// The numbers of events, the smallest first.
const SIZES: [u32; 2] = [10_000, 300_000];
const FULL_SIZES: [u32; 3] = [10_000, 1_250_000, 10_000_000];

/// Growth that counts as none.
const ALLOWED: f64 = 1.25;

/// Measures all sizes, and writes the report.
///
/// # Errors
/// When Postgres or the program fails, or an answer is wrong.
pub(crate) async fn run(suite: Settings) -> anyhow::Result<()> {
    suite.create_dir()?;
    let sizes: &[u32] = if suite.full { &FULL_SIZES } else { &SIZES };
    let mut report = Report::new("growth");
    disk::measure(&suite, &mut report).await?;
    let mut servers = Servers::default();
    let mut histories = Vec::new();
    for &events in sizes {
        histories.push(History::new(&suite, &mut servers, events).await?);
    }
    for _ in 0..suite.rounds {
        for history in &histories {
            for work in WORKS {
                let measured = history.callers.measure(work, 1, turn(&suite)).await?;
                report.add(&append(work), &history.name, LATENCY, measured.mean_millis);
            }
            report.add(
                "load of a stream",
                &history.name,
                LATENCY,
                history.load().await?,
            );
        }
        for number in 0..histories[0].queries.len() {
            for history in &mut histories {
                let History {
                    client,
                    queries,
                    name,
                    ..
                } = history;
                let query = &queries[number];
                let latency = client.measure(query, turn(&suite)).await?;
                report.add(query.name, name, LATENCY, latency);
            }
        }
    }
    let [small, large @ ..] = &histories[..] else {
        anyhow::bail!("there is no history");
    };
    let works = WORKS.map(append);
    let queries = small.queries.iter().map(|query| query.name.to_owned());
    for work in works
        .into_iter()
        .chain(["load of a stream".to_owned()])
        .chain(queries)
    {
        for large in large {
            let of = |history: &History| report.median(&work, &history.name, LATENCY);
            let (figure, base) = (of(large), of(small));
            let text = format!("{work}: {}, of {}", large.name, small.name);
            report.goal(&text, figure, base, Bound::AtMost(ALLOWED));
        }
    }
    report.finish(&suite)
}

fn append(work: Work) -> String {
    format!("append, {}", work.name())
}
