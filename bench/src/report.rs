//! The figures of a benchmark, with the ratios that its goals are about: a table for people, JSON for programs.
//!
//! A figure is measured once a round for each side, and its median counts. A goal compares the medians of one run,
//! never a time with a constant.

use std::fs;

use serde_json::{Value, json};

use crate::settings::Settings;

/// The figures and goals of a run.
#[derive(Debug)]
pub(crate) struct Report {
    name: &'static str,
    figures: Vec<Figure>,
    goals: Vec<Goal>,
    skipped: Vec<String>,
}

/// A figure of one side, measured in each round.
#[derive(Debug)]
struct Figure {
    work: String,
    side: String,
    unit: &'static str,
    runs: Vec<f64>,
}

/// A ratio of two figures, and its bound.
#[derive(Debug)]
struct Goal {
    text: String,
    ratio: f64,
    bound: Bound,
}

/// The bound of a ratio.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// The ratio is at least this.
    AtLeast(f64),
    /// The ratio is at most this.
    AtMost(f64),
}

impl Report {
    /// Returns an empty report of the benchmark with this name.
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            figures: Vec::new(),
            goals: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Adds a figure of one round, and prints it as progress.
    pub(crate) fn add(&mut self, work: &str, side: &str, unit: &'static str, value: f64) {
        eprintln!("{work:<36} {side:<24} {value:>12.1} {unit}");
        let found = self.figures.iter_mut().find(|figure| {
            (figure.work.as_str(), figure.side.as_str(), figure.unit) == (work, side, unit)
        });
        match found {
            Some(figure) => figure.runs.push(value),
            None => self.figures.push(Figure {
                work: work.to_owned(),
                side: side.to_owned(),
                unit,
                runs: vec![value],
            }),
        }
    }

    /// Returns the median of a figure over the rounds, or `None` if it was not measured.
    pub(crate) fn median(&self, work: &str, side: &str, unit: &str) -> Option<f64> {
        let found = self.figures.iter().find(|figure| {
            (figure.work.as_str(), figure.side.as_str(), figure.unit) == (work, side, unit)
        });
        found.map(|figure| median(&figure.runs))
    }

    /// Adds a goal about the ratio of two figures; a figure that is missing makes it a skipped one.
    pub(crate) fn goal(&mut self, text: &str, figure: Option<f64>, of: Option<f64>, bound: Bound) {
        match (figure, of) {
            (Some(figure), Some(of)) => self.goals.push(Goal {
                text: text.to_owned(),
                ratio: figure / of,
                bound,
            }),
            _ => self.skip(format!("{text}: a side was not measured")),
        }
    }

    /// Adds what is not measured, and why.
    pub(crate) fn skip(&mut self, why: String) {
        eprintln!("SKIPPED {why}");
        self.skipped.push(why);
    }

    /// Prints the tables, and writes the report to the file of the settings.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn finish(&self, settings: &Settings) -> anyhow::Result<()> {
        println!(
            "{:<36} {:<24} {:>12} {:<12} {:>7}",
            "work", "side", "median", "unit", "spread"
        );
        for figure in &self.figures {
            println!(
                "{:<36} {:<24} {:>12.1} {:<12} {:>6.0}%",
                figure.work,
                figure.side,
                median(&figure.runs),
                figure.unit,
                spread(&figure.runs)
            );
        }
        for goal in &self.goals {
            let (side, bound) = match goal.bound {
                Bound::AtLeast(bound) => ("least", bound),
                Bound::AtMost(bound) => ("most", bound),
            };
            let reached = if goal.is_reached() {
                "reached"
            } else {
                "MISSED"
            };
            println!(
                "{reached:<8}{:<76}{:>9.3}, goal at {side} {bound}",
                goal.text, goal.ratio
            );
        }
        for why in &self.skipped {
            println!("SKIPPED {why}");
        }
        let json = serde_json::to_string_pretty(&self.to_json())?;
        fs::write(&settings.json, json + "\n")?;
        Ok(())
    }

    fn to_json(&self) -> Value {
        let figures = self.figures.iter().map(|figure| {
            json!({
                "work": figure.work,
                "side": figure.side,
                "unit": figure.unit,
                "median": median(&figure.runs),
                "spreadPercent": spread(&figure.runs),
                "runs": figure.runs,
            })
        });
        let goals = self.goals.iter().map(|goal| {
            let (least, most) = match goal.bound {
                Bound::AtLeast(bound) => (Some(bound), None),
                Bound::AtMost(bound) => (None, Some(bound)),
            };
            json!({
                "goal": goal.text,
                "ratio": goal.ratio,
                "atLeast": least,
                "atMost": most,
                "reached": goal.is_reached(),
            })
        });
        json!({
            "benchmark": self.name,
            "figures": figures.collect::<Vec<_>>(),
            "goals": goals.collect::<Vec<_>>(),
            "skipped": self.skipped,
        })
    }
}

impl Goal {
    fn is_reached(&self) -> bool {
        match self.bound {
            Bound::AtLeast(bound) => self.ratio >= bound,
            Bound::AtMost(bound) => self.ratio <= bound,
        }
    }
}

/// Returns the median of at least one value.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// Returns the distance of the least and the greatest value, in percent of the median; 0 if the median is 0.
fn spread(values: &[f64]) -> f64 {
    if median(values) == 0.0 {
        return 0.0;
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (most - least) / median(values) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_rounds_are_compared() {
        let mut report = Report::new("example");
        for value in [300.0, 100.0, 200.0] {
            report.add("work", "ours", "events/s", value);
        }
        report.add("work", "limit", "events/s", 400.0);
        let ours = report.median("work", "ours", "events/s");
        assert_eq!(ours, Some(200.0));
        let limit = report.median("work", "limit", "events/s");
        report.goal("half the limit", ours, limit, Bound::AtLeast(0.6));
        report.goal("a peer", ours, None, Bound::AtLeast(1.0));
        let json = report.to_json();
        assert_eq!(json["figures"][0]["spreadPercent"], 100.0);
        assert_eq!(json["goals"][0]["ratio"], 0.5);
        assert_eq!(json["goals"][0]["reached"], false);
        assert_eq!(json["skipped"][0], "a peer: a side was not measured");
    }
}
