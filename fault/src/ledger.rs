//! What clients asked for and what they were told: in memory, and line by line in a file, so that it
//! survives whatever happens to the rig.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};

/// A command as a client means it, however often it is sent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Command {
    /// The idempotency key.
    pub(crate) key: String,
    /// The trace that every event of the command carries: 32 hexadecimal digits.
    pub(crate) trace: String,
    /// The field of the mutation, such as `renameDroplet`.
    pub(crate) field: &'static str,
    pub(crate) input: Value,
    /// What it does when it is accepted.
    pub(crate) effect: Effect,
}

/// What a command does when it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Effect {
    /// It records events.
    Events,
    /// Nothing: what it asks for is so already.
    Nothing,
}

/// One sending of a command.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Attempt {
    /// To which API process.
    pub(crate) api: usize,
    /// In microseconds since the run began.
    pub(crate) sent: u64,
    pub(crate) ended: u64,
    pub(crate) answer: Answer,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// It was done; the token names what it wrote.
    Acknowledged { token: String },
    /// A rule forbids it.
    Refused { codes: Vec<String> },
    /// Nothing that says whether it was done.
    Unknown { why: String },
    /// What no client should ever be told.
    Wrong { why: String },
}

/// A command and all its sendings.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) command: Command,
    pub(crate) attempts: Vec<Attempt>,
}

/// What the client knows of a command in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It took effect, once.
    Acknowledged { token: String },
    /// It took no effect: every sending was refused.
    Refused,
    /// It may have taken effect, at most once.
    Unknown,
}

impl Record {
    /// What the client knows.
    pub(crate) fn verdict(&self) -> Verdict {
        let token = self
            .attempts
            .iter()
            .find_map(|attempt| match &attempt.answer {
                Answer::Acknowledged { token } => Some(token.clone()),
                Answer::Refused { .. } | Answer::Unknown { .. } | Answer::Wrong { .. } => None,
            });
        let is_refused = |attempt: &Attempt| matches!(attempt.answer, Answer::Refused { .. });
        match token {
            Some(token) => Verdict::Acknowledged { token },
            None if !self.attempts.is_empty() && self.attempts.iter().all(is_refused) => {
                Verdict::Refused
            }
            None => Verdict::Unknown,
        }
    }
}

/// The ledger of all clients.
#[derive(Debug)]
pub(crate) struct Ledger {
    begun: Instant,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: File,
    records: Vec<Record>,
}

impl Ledger {
    /// An empty ledger in a new file.
    pub(crate) fn new(path: &Path, begun: Instant) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create_new(true).append(true).open(path);
        let file = file.with_context(|| format!("{} cannot be made", path.display()))?;
        let records = Vec::new();
        Ok(Self {
            begun,
            kept: Mutex::new(Kept { file, records }),
        })
    }

    /// Microseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes a command before it is sent for the first time; gives its place.
    pub(crate) fn open(&self, command: Command) -> anyhow::Result<usize> {
        let mut kept = self.locked();
        let place = kept.records.len();
        let line = json!({ "at": self.now(), "place": place, "command": command });
        writeln!(kept.file, "{line}")?;
        let attempts = Vec::new();
        kept.records.push(Record { command, attempts });
        Ok(place)
    }

    /// Notes how one sending of a command ended.
    pub(crate) fn note(&self, place: usize, attempt: Attempt) -> anyhow::Result<()> {
        let mut kept = self.locked();
        writeln!(
            kept.file,
            "{}",
            json!({ "place": place, "attempt": attempt })
        )?;
        kept.records[place].attempts.push(attempt);
        Ok(())
    }

    /// The command at a place.
    pub(crate) fn command(&self, place: usize) -> Command {
        self.locked().records[place].command.clone()
    }

    /// All records so far.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.locked().records.clone()
    }

    /// How many commands were acknowledged, refused, and neither.
    pub(crate) fn tally(&self) -> (usize, usize, usize) {
        let mut tally = (0, 0, 0);
        for record in &self.locked().records {
            match record.verdict() {
                Verdict::Acknowledged { .. } => tally.0 += 1,
                Verdict::Refused => tally.1 += 1,
                Verdict::Unknown => tally.2 += 1,
            }
        }
        tally
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("no holder panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(answers: Vec<Answer>) -> Record {
        let command = Command {
            key: "k".to_owned(),
            trace: "1".repeat(32),
            field: "tagDroplet",
            input: Value::Null,
            effect: Effect::Events,
        };
        let attempt = |answer| Attempt {
            api: 0,
            sent: 0,
            ended: 1,
            answer,
        };
        let attempts = answers.into_iter().map(attempt).collect();
        Record { command, attempts }
    }

    #[test]
    fn one_acknowledgement_is_enough_and_only_refusals_refuse() {
        let acknowledged = Answer::Acknowledged {
            token: "t".to_owned(),
        };
        let refused = Answer::Refused { codes: Vec::new() };
        let unknown = Answer::Unknown { why: String::new() };
        let token = "t".to_owned();
        for (answers, verdict) in [
            (
                vec![unknown.clone(), acknowledged],
                Verdict::Acknowledged { token },
            ),
            (vec![refused.clone(), refused.clone()], Verdict::Refused),
            // The sending that nothing was heard of may have been done before.
            (vec![unknown.clone(), refused], Verdict::Unknown),
            (vec![unknown], Verdict::Unknown),
            (Vec::new(), Verdict::Unknown),
        ] {
            assert_eq!(record(answers).verdict(), verdict);
        }
    }
}
