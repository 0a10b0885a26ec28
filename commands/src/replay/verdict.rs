//! The verdict on a command: what a decision leads to, with the names and counts that the command met.

use event_store::envelope::{StreamId, Version};
use event_store::write::append::{StreamAppend, Unstorable, encoded};
use event_store::write::command::{CommandOutcome, RecordedCommand};

use crate::decision::Decision;
use crate::error::Rejected;
use crate::record::Met;

/// The result of a decision.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) outcome: CommandOutcome,
    pub(super) rule: Option<String>,
    pub(super) appends: Vec<(StreamId, Version, Vec<String>)>,
}

/// Judges a decision by the names and counts that the command met.
pub(super) fn judge(
    decision: &Decision,
    record: &RecordedCommand,
    met: Option<&Met>,
) -> Result<Verdict, String> {
    if decision.is_empty() {
        return Ok(Verdict {
            outcome: CommandOutcome::Unchanged,
            rule: None,
            appends: Vec::new(),
        });
    }
    let names = match decision.names() {
        Ok(names) => names,
        Err(rejected) => return Ok(Verdict::rejected(&rejected)),
    };
    let counts: Vec<(String, String, i64)> =
        match record.counts.as_deref().map(serde_json::from_str) {
            None => Vec::new(),
            Some(Ok(counts)) => counts,
            Some(Err(error)) => return Err(format!("counts that cannot be read: {error}")),
        };
    match met {
        Some(Met::Name(scope, key)) => {
            let mut taken = names.iter().filter(|name| name.taken_by().is_some());
            let taken =
                taken.find(|name| name.name().scope.name == *scope && name.name().key == *key);
            return Ok(match taken {
                Some(taken) => Verdict::rejected(&Rejected::name_taken(taken.name())),
                None => Verdict::accepted(decision),
            });
        }
        Some(Met::Count(scope, key, count)) => {
            return Ok(held_against(
                decision,
                &[(scope.to_string(), key.clone(), *count)],
            ));
        }
        None => {}
    }
    Ok(held_against(decision, &counts))
}

/// Holds a decision against counts, as scope, key and count.
fn held_against(decision: &Decision, counts: &[(String, String, i64)]) -> Verdict {
    for change in decision.counters() {
        let scope = change.counter.scope.name;
        let count = counts
            .iter()
            .find(|(of, key, _)| of == scope && *key == change.counter.key);
        if let (Some((_, _, count)), Some(within)) = (count, &change.within)
            && !within.contains(&(count + change.added))
        {
            return Verdict::rejected(&decision.refusal(&change.counter, *count));
        }
    }
    Verdict::accepted(decision)
}

impl Verdict {
    pub(super) fn rejected(rejected: &Rejected) -> Self {
        Self {
            outcome: CommandOutcome::Rejected,
            rule: Some(rejected.code.clone().into_owned()),
            appends: Vec::new(),
        }
    }

    fn accepted(decision: &Decision) -> Self {
        let append = |append: StreamAppend| {
            let events = append.events.iter().map(encoded);
            let events = events.collect::<Result<Vec<_>, _>>()?;
            Ok((append.stream, append.expected, events))
        };
        let appends: Result<Vec<_>, Unstorable> =
            decision.appends().into_iter().map(append).collect();
        match appends {
            Ok(appends) => Self {
                outcome: CommandOutcome::Accepted,
                rule: None,
                appends,
            },
            Err(unstorable) => Self::rejected(&Rejected::unstorable(&unstorable)),
        }
    }
}
