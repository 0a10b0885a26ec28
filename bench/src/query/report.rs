//! The figures of all runs: a table for people, and JSON for programs.

use serde::Serialize;
use serde_json::{Value, json};

use super::settings::{Settings, Work};

/// The name of the side that others are compared with.
const OURS: &str = "ours";

/// The figures of one run.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Measured {
    /// Requests a second.
    pub(super) per_second: f64,
    /// Milliseconds. The mean, where the median is unknown.
    pub(super) p50: f64,
    /// Milliseconds, where known.
    pub(super) p99: Option<f64>,
    /// Processor time of the server for a request, if there is a server.
    pub(super) server_micros: Option<f64>,
    /// Processor time of Postgres for a request.
    pub(super) postgres_micros: f64,
    /// The share of the machine that other processes used meanwhile, in percent.
    pub(super) others_percent: f64,
}

/// The runs of one side for a work and a number of connections.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) work: &'static str,
    pub(super) connections: u16,
    pub(super) side: &'static str,
    pub(super) runs: Vec<Measured>,
}

/// All rows.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    /// Works of which something is not measured, and why.
    pub(super) skipped: Vec<(Work, String)>,
}

impl Row {
    /// Adds a run, and reports it at once.
    pub(super) fn add(&mut self, measured: Measured) {
        eprintln!(
            "{:<11}{:>4} connections  {:<20}{:>9.0} requests/s",
            self.work, self.connections, self.side, measured.per_second
        );
        self.runs.push(measured);
    }

    /// The median over the runs.
    fn median(&self, figure: impl Fn(&Measured) -> f64) -> f64 {
        let mut figures: Vec<f64> = self.runs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        let middle = figures.len() / 2;
        if figures.len() % 2 == 1 {
            figures[middle]
        } else {
            figures
                .get(middle)
                .map_or(f64::NAN, |upper| f64::midpoint(*upper, figures[middle - 1]))
        }
    }

    fn per_second(&self) -> f64 {
        self.median(|run| run.per_second)
    }

    /// The median of a figure that not every side has.
    fn optional(&self, figure: impl Fn(&Measured) -> Option<f64>) -> Option<f64> {
        let has_it = self.runs.iter().all(|run| figure(run).is_some());
        has_it.then(|| self.median(|run| figure(run).unwrap_or(f64::NAN)))
    }

    /// The distance of the slowest and the fastest run, in percent of the median.
    fn spread(&self) -> f64 {
        let rates = || self.runs.iter().map(|run| run.per_second);
        let (least, most) = (
            rates().fold(f64::INFINITY, f64::min),
            rates().fold(0.0, f64::max),
        );
        (most - least) / self.per_second() * 100.0
    }
}

impl Report {
    /// Notes what is not measured, and why.
    pub(super) fn skip(&mut self, work: Work, why: String) {
        eprintln!("SKIPPED {}: {why}", work.name());
        self.skipped.push((work, why));
    }

    /// Prints the table.
    pub(super) fn print(&self) {
        println!(
            "{:<11}{:>5}  {:<20}{:>10}{:>9}{:>9}{:>9}{:>11}{:>13}{:>9}{:>11}",
            "work",
            "conn.",
            "side",
            "requests/s",
            "spread",
            "p50 ms",
            "p99 ms",
            "server µs",
            "Postgres µs",
            "others",
            "ours/side"
        );
        for row in &self.rows {
            let optional = |figure: Option<f64>, decimals| {
                figure.map_or("-".to_owned(), |figure| format!("{figure:.decimals$}"))
            };
            println!(
                "{:<11}{:>5}  {:<20}{:>10.0}{:>8.1}%{:>9.2}{:>9}{:>11}{:>13.0}{:>8.0}%{:>11}",
                row.work,
                row.connections,
                row.side,
                row.per_second(),
                row.spread(),
                row.median(|run| run.p50),
                optional(row.optional(|run| run.p99), 2),
                optional(row.optional(|run| run.server_micros), 0),
                row.median(|run| run.postgres_micros),
                row.median(|run| run.others_percent),
                optional(self.ratio(row), 2),
            );
        }
        println!("of the limit, p50 is the mean; microseconds are processor time for a request");
        println!(
            "others: the share of the machine that other processes used; repeat a run with much of it"
        );
        for (work, why) in &self.skipped {
            println!("SKIPPED {}: {why}", work.name());
        }
    }

    /// Returns the rate of ours compared with that of another side.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let ours = self.rows.iter().find(|ours| {
            ours.side == OURS && ours.work == row.work && ours.connections == row.connections
        })?;
        (row.side != OURS).then(|| ours.per_second() / row.per_second())
    }

    /// Returns the report for programs.
    pub(super) fn to_json(&self, settings: &Settings) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "work": row.work,
                "connections": row.connections,
                "side": row.side,
                "perSecond": row.per_second(),
                "spreadPercent": row.spread(),
                "p50": row.median(|run| run.p50),
                "p99": row.optional(|run| run.p99),
                "serverMicros": row.optional(|run| run.server_micros),
                "postgresMicros": row.median(|run| run.postgres_micros),
                "othersPercent": row.median(|run| run.others_percent),
                "oursCompared": self.ratio(row),
                "runs": row.runs,
            })
        });
        let skipped = self.skipped.iter();
        let skipped = skipped.map(|(work, why)| json!({ "work": work.name(), "why": why }));
        json!({
            "benchmark": "query",
            "processors": std::thread::available_parallelism().map_or(0, usize::from),
            "seconds": settings.suite.seconds,
            "rounds": settings.suite.rounds,
            "rows": rows.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(side: &'static str, rates: &[f64]) -> Row {
        let run = |rate: &f64| Measured {
            per_second: *rate,
            p50: 1.0,
            p99: None,
            server_micros: None,
            postgres_micros: 1.0,
            others_percent: 0.0,
        };
        Row {
            work: "list",
            connections: 16,
            side,
            runs: rates.iter().map(run).collect(),
        }
    }

    #[test]
    fn rates_are_medians_and_compared_with_ours() {
        let report = Report {
            rows: vec![
                row(OURS, &[300.0, 100.0, 200.0]),
                row("peer", &[40.0, 60.0]),
            ],
            skipped: Vec::new(),
        };
        assert_eq!(report.rows[0].per_second(), 200.0);
        assert_eq!(report.rows[0].spread(), 100.0);
        assert_eq!(report.ratio(&report.rows[0]), None);
        assert_eq!(report.ratio(&report.rows[1]), Some(4.0));
        assert_eq!(report.rows[1].optional(|run| run.p99), None);
    }
}
