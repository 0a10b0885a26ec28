//! Bounds the records of commands without events: those of a flood are counted.
//!
//! A command that is refused, or that has nothing to do, costs its sender nothing. So a sender could fill the tables
//! with records. Each actor has room for [`AT_ONCE`] of them, and gets [`PER_SECOND`] more each second. What is beyond
//! is counted, by command and rule, and recorded as one command of many times, every [`WRITE_EVERY`].
//!
//! The counts of one interval are lost if the process is killed, and so is what exceeds [`KINDS`] at one time. Commands
//! with events are always recorded.

use std::borrow::Cow;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::ids::OrgId;
use event_store::envelope::Metadata;
use event_store::write::append::Append;
use event_store::write::command::{CommandOutcome, CommandRecord};
use lru::LruCache;

/// The number of records of an actor that may come at once.
const AT_ONCE: f64 = 60.0;
/// The number of records that an actor gets each second.
const PER_SECOND: f64 = 1.0;
/// The interval at which counts are recorded.
pub(crate) const WRITE_EVERY: Duration = Duration::from_secs(10);
/// The number of actors that are remembered. One that is forgotten has its room again.
const ACTORS: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");
/// The number of kinds of commands that are counted in one interval.
const KINDS: usize = 10_000;

/// The commands of all actors that have no events.
#[derive(Debug)]
pub(crate) struct Floods {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    rooms: LruCache<(OrgId, String), Room>,
    counted: HashMap<Kind, Counted>,
}

/// The records that an actor has left.
#[derive(Debug)]
struct Room {
    left: f64,
    at: Instant,
}

/// The properties that commands have in common which are counted together.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Kind {
    org: OrgId,
    actor: String,
    credential: Option<String>,
    name: Cow<'static, str>,
    outcome: &'static str,
    rule: Option<Cow<'static, str>>,
}

/// Commands that were counted. The first of them stands for all.
#[derive(Debug)]
struct Counted {
    times: i32,
    metadata: Metadata,
    outcome: CommandOutcome,
}

impl Floods {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                rooms: LruCache::new(ACTORS),
                counted: HashMap::new(),
            }),
        }
    }

    /// Returns the record if its actor has room for it, and counts it otherwise.
    pub(crate) fn admit(
        &self,
        org: &OrgId,
        metadata: &Metadata,
        record: CommandRecord,
    ) -> Option<CommandRecord> {
        self.admit_at(org, metadata, record, Instant::now())
    }

    fn admit_at(
        &self,
        org: &OrgId,
        metadata: &Metadata,
        record: CommandRecord,
        now: Instant,
    ) -> Option<CommandRecord> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let actor = (org.clone(), metadata.actor.clone());
        let room = inner.rooms.get_or_insert_mut(actor, || Room {
            left: AT_ONCE,
            at: now,
        });
        let since = now.saturating_duration_since(room.at).as_secs_f64();
        room.left = (room.left + since * PER_SECOND).min(AT_ONCE);
        room.at = now;
        if room.left >= 1.0 {
            room.left -= 1.0;
            return Some(record);
        }
        metrics::counter!("clustergenie_commands_counted_total").increment(1);
        inner.count(org, metadata, record, 1);
        None
    }

    /// Counts again what was taken and could not be recorded.
    pub(crate) fn put_back(&self, append: Append) {
        let Some(record) = append.record else { return };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let times = record.times;
        inner.count(&append.org, &append.metadata, record, times);
    }

    /// Takes what was counted, as appends of records alone.
    pub(crate) fn take(&self) -> Vec<Append> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = std::mem::take(&mut inner.counted);
        drop(inner);
        counted.into_iter().map(append_of).collect()
    }
}

impl Inner {
    fn count(&mut self, org: &OrgId, metadata: &Metadata, record: CommandRecord, times: i32) {
        let kind = Kind {
            org: org.clone(),
            actor: metadata.actor.clone(),
            credential: record.credential,
            name: record.name,
            outcome: record.outcome.as_str(),
            rule: record.rule,
        };
        if self.counted.len() >= KINDS && !self.counted.contains_key(&kind) {
            return;
        }
        let counted = self.counted.entry(kind).or_insert_with(|| Counted {
            times: 0,
            metadata: metadata.clone(),
            outcome: record.outcome,
        });
        counted.times = counted.times.saturating_add(times);
    }
}

fn append_of((kind, counted): (Kind, Counted)) -> Append {
    let record = CommandRecord {
        name: kind.name,
        stream: None,
        credential: kind.credential,
        outcome: counted.outcome,
        rule: kind.rule,
        times: counted.times,
        input: "null".to_owned(),
        basis: "{}".to_owned(),
    };
    Append {
        record: Some(record),
        ..Append::new(kind.org, Vec::new(), counted.metadata)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::ids::{CommandId, CorrelationId};
    use event_store::envelope::RequestSource;
    use uuid::Uuid;

    use super::*;

    fn admit(floods: &Floods, actor: &str, rule: &'static str, now: Instant) -> bool {
        let metadata = Metadata {
            actor: actor.to_owned(),
            command_id: CommandId::new(Uuid::nil()),
            correlation_id: CorrelationId::new(Uuid::nil()),
            causation_id: None,
            traceparent: None,
            source: RequestSource::Api,
            occurred_at: DateTime::UNIX_EPOCH,
        };
        let record = CommandRecord {
            name: "rename_droplet".into(),
            stream: None,
            credential: None,
            outcome: CommandOutcome::Rejected,
            rule: Some(rule.into()),
            times: 1,
            input: "{}".to_owned(),
            basis: "{}".to_owned(),
        };
        let org = OrgId::parse("acme").expect("a good name");
        floods.admit_at(&org, &metadata, record, now).is_some()
    }

    #[test]
    fn a_flood_is_counted_by_rule_and_delays_no_other_actor() {
        let floods = Floods::new();
        let start = Instant::now();
        let admitted = (0..1_000).filter(|_| admit(&floods, "ann", "A", start));
        assert_eq!(admitted.count(), 60);
        assert!(!admit(&floods, "ann", "B", start));
        assert!(admit(&floods, "ben", "A", start));
        assert!(admit(&floods, "ann", "A", start + Duration::from_secs(1)));
        assert!(!admit(&floods, "ann", "A", start + Duration::from_secs(1)));

        let mut counted: Vec<_> = floods.take().into_iter().filter_map(|a| a.record).collect();
        counted.sort_by_key(|record| record.times);
        let told: Vec<_> = counted
            .iter()
            .map(|record| (record.rule.as_deref(), record.times))
            .collect();
        assert_eq!(told, [(Some("B"), 1), (Some("A"), 941)]);
        assert!(floods.take().is_empty(), "each is taken once");
    }
}
