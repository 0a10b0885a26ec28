//! The ledger: every command that clients sent, with its answers, in memory and line by line in a file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};

/// A command, sent once or several times.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Command {
    /// The idempotency key.
    pub(crate) key: String,
    /// The trace that every event of the command carries: 32 hexadecimal digits.
    pub(crate) trace: String,
    /// The field of the mutation, such as `renameDroplet`.
    pub(crate) field: &'static str,
    pub(crate) input: Value,
    /// The effect of the command when it is accepted.
    pub(crate) effect: Effect,
}

/// The effect of an accepted command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Effect {
    /// Recorded events.
    Events,
    /// No event, because the requested state holds already.
    Nothing,
}

/// An attempt to send a command.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Attempt {
    /// The API process that received the attempt.
    pub(crate) api: usize,
    /// The time in microseconds since the run began.
    pub(crate) sent: u64,
    pub(crate) ended: u64,
    pub(crate) answer: Answer,
}

/// The answer to an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// Success; the token names the versions that the command wrote.
    Acknowledged { token: String },
    /// A rejection by a rule.
    Refused { codes: Vec<String> },
    /// No answer that says whether the command was applied.
    Unknown { why: String },
    /// An answer that no client should ever get.
    Wrong { why: String },
}

/// A command and all attempts to send it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) command: Command,
    pub(crate) attempts: Vec<Attempt>,
}

/// A client's final knowledge about a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The command took effect, once.
    Acknowledged { token: String },
    /// The command took no effect: every attempt was refused.
    Refused,
    /// The command may have taken effect, at most once.
    Unknown,
}

impl Record {
    /// The client's knowledge about the command.
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
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    records: Vec<Record>,
}

impl Ledger {
    /// Creates an empty ledger in a new file.
    pub(crate) fn new(path: &Path, begun: Instant) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create_new(true).append(true).open(path);
        let file = file.with_context(|| format!("{} cannot be created", path.display()))?;
        let records = Vec::new();
        Ok(Self {
            begun,
            state: Mutex::new(State { file, records }),
        })
    }

    /// Microseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Records a command before its first attempt. Returns its place in the ledger.
    pub(crate) fn open(&self, command: Command) -> anyhow::Result<usize> {
        let mut state = self.state();
        let place = state.records.len();
        let line = json!({ "at": self.now(), "place": place, "command": command });
        writeln!(state.file, "{line}")?;
        let attempts = Vec::new();
        state.records.push(Record { command, attempts });
        Ok(place)
    }

    /// Records the answer to an attempt.
    pub(crate) fn note(&self, place: usize, attempt: Attempt) -> anyhow::Result<()> {
        let mut state = self.state();
        writeln!(
            state.file,
            "{}",
            json!({ "place": place, "attempt": attempt })
        )?;
        state.records[place].attempts.push(attempt);
        Ok(())
    }

    /// The command at a place.
    pub(crate) fn command(&self, place: usize) -> Command {
        self.state().records[place].command.clone()
    }

    /// All records so far.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.state().records.clone()
    }

    /// The numbers of acknowledged, refused and other commands.
    pub(crate) fn tally(&self) -> (usize, usize, usize) {
        let mut tally = (0, 0, 0);
        for record in &self.state().records {
            match record.verdict() {
                Verdict::Acknowledged { .. } => tally.0 += 1,
                Verdict::Refused => tally.1 += 1,
                Verdict::Unknown => tally.2 += 1,
            }
        }
        tally
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
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
            // The sending without an answer may have been applied before.
            (vec![unknown.clone(), refused], Verdict::Unknown),
            (vec![unknown], Verdict::Unknown),
            (Vec::new(), Verdict::Unknown),
        ] {
            assert_eq!(record(answers).verdict(), verdict);
        }
    }
}
