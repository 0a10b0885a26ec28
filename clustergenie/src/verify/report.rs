//! The report of a verification: JSON with a fixed shape for programs, a table for people.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use event_store::audit::finding::{Difference, Findings};
use event_store::envelope::Position;
use serde::Serialize;

/// The report of all checks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The worst result of all checks.
    result: CheckResult,
    /// The head of the log at the start. Later events were not checked, or not by every check.
    head: Position,
    /// The sample of streams whose rows were compared; absent if all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<Sampled>,
    /// The checks, in the order in which they ran.
    checks: Vec<Checked>,
    seconds: f64,
}

/// A sample of the streams. The same two numbers give the same streams.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sampled {
    /// The setting `--sample`.
    pub(super) share: f64,
    /// The setting `--sample-from`, or a random number.
    pub(super) from: u16,
}

/// The result of one check.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checked {
    check: String,
    result: CheckResult,
    /// The unit of `compared`.
    unit: &'static str,
    #[serde(flatten)]
    findings: Findings,
    /// The reason for which the check could not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    seconds: f64,
}

/// The result of a check; worse ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
enum CheckResult {
    Holds,
    Unchecked,
    Differs,
}

impl Checked {
    /// True if the check found a difference.
    pub(super) fn differs(&self) -> bool {
        self.result == CheckResult::Differs
    }
}

impl Report {
    pub(super) fn new(
        head: Position,
        sample: Option<Sampled>,
        checks: Vec<Checked>,
        took: Duration,
    ) -> Self {
        let worst = checks.iter().map(|checked| checked.result).max();
        Self {
            result: worst.unwrap_or(CheckResult::Holds),
            head,
            sample,
            checks,
            seconds: took.as_secs_f64(),
        }
    }

    /// The exit status: 0, 1 or 2.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self.result {
            CheckResult::Holds => 0,
            CheckResult::Differs => 1,
            CheckResult::Unchecked => 2,
        }
        .into()
    }

    /// The table for people.
    pub(super) fn table(&self) -> String {
        let mut table = String::new();
        for checked in &self.checks {
            checked.write(&mut table);
        }
        if let Some(Sampled { share, from }) = self.sample {
            line(
                &mut table,
                format_args!(
                    "read models: only a sample was compared; --sample {share} --sample-from {from} \
                     repeats it"
                ),
            );
        }
        let closing = match self.result {
            CheckResult::Holds => "everything holds",
            CheckResult::Differs => "there are differences",
            CheckResult::Unchecked => "something could not be checked",
        };
        let Self { head, seconds, .. } = self;
        line(
            &mut table,
            format_args!("{closing} up to position {head}, checked in {seconds:.1} s"),
        );
        table
    }
}

impl Checked {
    pub(super) fn new(
        check: String,
        unit: &'static str,
        findings: anyhow::Result<Findings>,
        took: Duration,
    ) -> Self {
        let (result, findings, error) = match findings {
            Ok(findings) if findings.differences > 0 => (CheckResult::Differs, findings, None),
            Ok(findings) => (CheckResult::Holds, findings, None),
            Err(error) => (
                CheckResult::Unchecked,
                Findings::default(),
                Some(format!("{error:#}")),
            ),
        };
        Self {
            check,
            result,
            unit,
            findings,
            error,
            seconds: took.as_secs_f64(),
        }
    }

    fn write(&self, table: &mut String) {
        let Self {
            check,
            unit,
            findings,
            seconds,
            ..
        } = self;
        let result = match self.result {
            CheckResult::Holds => "holds".to_owned(),
            CheckResult::Differs => format!("{} differences", findings.differences),
            CheckResult::Unchecked => "could not be checked".to_owned(),
        };
        let compared = format!("{} {unit}", findings.compared);
        line(
            table,
            format_args!("{check:<14} {compared:>20} {seconds:>7.1} s   {result}"),
        );
        if let Some(error) = &self.error {
            line(table, format_args!("    {error}"));
        }
        if let Some(first) = &findings.first {
            line(
                table,
                format_args!("    first difference: {}", whereabouts(first)),
            );
            line(table, format_args!("      expected: {}", first.expected));
            line(table, format_args!("      found:    {}", first.found));
        }
        for note in &findings.notes {
            line(table, format_args!("    note: {note}"));
        }
    }
}

/// The place of a difference, in words.
fn whereabouts(difference: &Difference) -> String {
    let places = [
        difference.position.map(|p| format!("position {p}")),
        difference.stream.map(|s| format!("stream {s}")),
        difference.version.map(|v| format!("version {v}")),
        difference.place.clone(),
    ];
    let places: Vec<String> = places.into_iter().flatten().collect();
    if places.is_empty() {
        return "everywhere".to_owned();
    }
    places.join(", ")
}

fn line(table: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(table, "{text}").expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Report {
        let first = Difference {
            position: Some(Position(17)),
            expected: "one event".to_owned(),
            found: "none".to_owned(),
            ..Difference::default()
        };
        let findings = Findings {
            compared: 20,
            differences: 3,
            first: Some(first),
            notes: Vec::new(),
        };
        let took = Duration::from_millis(500);
        let checks = vec![
            Checked::new("positions".to_owned(), "positions", Ok(findings), took),
            Checked::new(
                "kafka".to_owned(),
                "messages",
                Err(anyhow::anyhow!("away")),
                took,
            ),
        ];
        let sample = Sampled {
            share: 0.02,
            from: 4711,
        };
        Report::new(Position(20), Some(sample), checks, took * 2)
    }

    #[test]
    fn the_json_has_the_documented_shape() {
        let report = serde_json::to_value(report()).unwrap();
        assert_eq!(
            report,
            json!({
                "result": "differs",
                "head": 20,
                "sample": { "share": 0.02, "from": 4711 },
                "seconds": 1.0,
                "checks": [
                    {
                        "check": "positions", "result": "differs", "unit": "positions",
                        "compared": 20, "differences": 3, "notes": [], "seconds": 0.5,
                        "first": { "position": 17, "expected": "one event", "found": "none" },
                    },
                    {
                        "check": "kafka", "result": "unchecked", "unit": "messages",
                        "compared": 0, "differences": 0, "notes": [], "seconds": 0.5,
                        "first": null, "error": "away",
                    },
                ],
            })
        );
    }

    #[test]
    fn the_table_names_the_first_difference() {
        let table = report().table();
        for line in [
            "first difference: position 17",
            "expected: one event",
            "found:    none",
            "--sample 0.02 --sample-from 4711 repeats it",
            "there are differences up to position 20",
        ] {
            assert!(table.contains(line), "{line}: {table}");
        }
    }
}
