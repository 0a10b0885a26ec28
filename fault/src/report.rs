//! The report of a run: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::difference::Difference;
use crate::inject::Count;
use crate::load::ReadTally;
use crate::plan;

/// Most differences in the table; the JSON has all.
const MAX_SHOWN: usize = 20;

/// A run and its results.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) mode: String,
    pub(crate) seconds: u64,
    pub(crate) faults: BTreeMap<String, Count>,
    pub(crate) ended_by_themselves: u64,
    pub(crate) acknowledged: usize,
    pub(crate) refused: usize,
    pub(crate) unknown: usize,
    pub(crate) sendings: usize,
    pub(crate) events: usize,
    pub(crate) subscribers: usize,
    pub(crate) seen: usize,
    pub(crate) reconnects: u64,
    pub(crate) reads: ReadTally,
    pub(crate) messages: Option<usize>,
    pub(crate) verify: String,
    pub(crate) differences: Vec<Difference>,
}

impl Report {
    /// Number of injected faults.
    pub(crate) fn injected(&self) -> u64 {
        self.faults.values().map(|count| count.injected).sum()
    }

    /// The report as JSON, for programs.
    pub(crate) fn json(&self) -> Value {
        let faults = self.faults.iter().map(|(kind, count)| {
            let count = json!({
                "injected": count.injected,
                "notPossible": count.not_possible,
                "failed": count.failed,
            });
            (kind.clone(), count)
        });
        json!({
            "seed": self.seed,
            "planVersion": plan::VERSION,
            "mode": self.mode,
            "seconds": self.seconds,
            "faults": faults.collect::<serde_json::Map<_, _>>(),
            "faultsInjected": self.injected(),
            "processesEndedByThemselves": self.ended_by_themselves,
            "commands": {
                "acknowledged": self.acknowledged,
                "refused": self.refused,
                "unknown": self.unknown,
                "sendings": self.sendings,
            },
            "events": self.events,
            "subscribers": self.subscribers,
            "subscribersEvents": self.seen,
            "reconnects": self.reconnects,
            "reads": self.reads,
            "kafkaMessages": self.messages,
            "verify": self.verify,
            "differences": self.differences,
        })
    }

    /// Writes the JSON to a file.
    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        std::fs::write(file, format!("{:#}\n", self.json()))?;
        Ok(())
    }

    /// Writes the table.
    pub(crate) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(
            out,
            "\n{:<36} {:>9} {:>13} {:>7}",
            "fault", "injected", "not possible", "failed"
        )?;
        for (kind, count) in &self.faults {
            writeln!(
                out,
                "{kind:<36} {:>9} {:>13} {:>7}",
                count.injected, count.not_possible, count.failed
            )?;
        }
        writeln!(out, "{:<36} {:>9}", "all faults", self.injected())?;
        let reads = self.reads;
        let messages = self
            .messages
            .map_or("-".to_owned(), |messages| messages.to_string());
        for (name, value) in [
            ("version of the plan", plan::VERSION.to_string()),
            (
                "processes ended by themselves",
                self.ended_by_themselves.to_string(),
            ),
            ("commands acknowledged", self.acknowledged.to_string()),
            ("commands refused", self.refused.to_string()),
            ("commands of unknown outcome", self.unknown.to_string()),
            ("sendings of commands", self.sendings.to_string()),
            ("events", self.events.to_string()),
            ("messages in Kafka", messages),
            ("subscribers", self.subscribers.to_string()),
            ("events that subscribers saw", self.seen.to_string()),
            ("reconnects of subscribers", self.reconnects.to_string()),
            ("reads by token: fresh", reads.fresh.to_string()),
            ("reads by token: not yet", reads.not_yet.to_string()),
            ("reads by token: no answer", reads.failed.to_string()),
            ("reads by token: stale", reads.stale.to_string()),
            ("other queries: answered", reads.plain.to_string()),
            ("other queries: no answer", reads.plain_failed.to_string()),
            ("queries answered wrongly", reads.wrong.to_string()),
        ] {
            writeln!(out, "{name:<36} {value:>9}")?;
        }
        writeln!(out, "{:<36} {}", "clustergenie verify", self.verify)?;
        writeln!(out, "{:<36} {:>9}\n", "DIFFERENCES", self.differences.len())?;
        for difference in self.differences.iter().take(MAX_SHOWN) {
            writeln!(out, "- {difference}")?;
        }
        if self.differences.len() > MAX_SHOWN {
            writeln!(out, "... and {} more", self.differences.len() - MAX_SHOWN)?;
        }
        Ok(())
    }
}
