//! Checks the subscribers: each saw every event of its filter exactly once, in order.

use std::collections::BTreeMap;

use super::history::{Event, History};
use crate::difference::Differences;
use crate::subscriber::{Filter, Seen};

const CHECK: &str = "subscribers";

/// The events that a subscriber with this filter must see after a position.
pub(crate) fn expected(filter: &Filter, history: &History, after: i64) -> Vec<Seen> {
    let later = |event: &&Event| event.position.is_some_and(|position| position > after);
    let wanted = history
        .events
        .iter()
        .filter(later)
        .filter(|event| wants(filter, event));
    wanted
        .filter_map(|event| {
            Some(Seen {
                position: event.position?,
                stream: event.stream,
                version: event.version,
                shown: Some(event.version),
            })
        })
        .collect()
}

/// Checks the events that one subscriber saw.
pub(crate) fn check(name: &str, seen: &[Seen], expected: &[Seen], differences: &Differences) {
    let mut last = 0;
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for event in seen {
        let position = event.position;
        *counts.entry(position).or_default() += 1;
        if position < last {
            let what = format!("{name} saw position {position} after {last}");
            differences.note(CHECK, what);
        }
        last = position;
    }
    for (position, count) in counts.iter().filter(|(_, count)| **count > 1) {
        differences.note(
            CHECK,
            format!("{name} saw position {position} {count} times"),
        );
    }
    let expected_at: BTreeMap<_, _> = expected.iter().map(|e| (e.position, e)).collect();
    for missing in expected
        .iter()
        .filter(|e| !counts.contains_key(&e.position))
    {
        let Seen {
            position,
            stream,
            version,
            ..
        } = missing;
        let what = format!("{name} never saw position {position} ({stream} version {version})");
        differences.note(CHECK, what);
    }
    for event in seen {
        match expected_at.get(&event.position) {
            None => differences.note(
                CHECK,
                format!("{name} saw {event:?}, which it did not want"),
            ),
            Some(wanted) if *wanted != event => {
                let what = format!("{name} saw {event:?}, which is {wanted:?}");
                differences.note(CHECK, what);
            }
            Some(_) => {}
        }
    }
}

fn wants(filter: &Filter, event: &Event) -> bool {
    let has = |texts: &[String], text: &str| texts.iter().any(|one| one == text);
    let (droplet, job) = (event.stream_type == "droplet", event.stream_type == "job");
    match filter {
        Filter::Events => true,
        Filter::EventTypes(types) => has(types, &event.kind),
        Filter::Droplets => droplet,
        Filter::DropletStatus(statuses) => droplet && has(statuses, event.status),
        Filter::Droplet(id) => droplet && event.stream == *id,
        Filter::JobKind(kinds) => {
            job && event
                .job_kind
                .as_deref()
                .is_some_and(|kind| has(kinds, kind))
        }
        Filter::Clusters => event.stream_type == "cluster",
        Filter::JobStatus(statuses) => job && has(statuses, event.status),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::history::tests::event;
    use super::*;

    fn history() -> History {
        History::folded(vec![
            event(1, 1, 1, "droplet_requested"),
            event(2, 2, 1, "job_submitted"),
            event(3, 1, 2, "droplet_activated"),
            event(4, 2, 2, "job_cancelled"),
            event(5, 1, 3, "droplet_renamed"),
        ])
    }

    fn found(seen: &[Seen]) -> usize {
        let differences = Differences::default();
        let expected = expected(&Filter::Events, &history(), 1);
        check("it", seen, &expected, &differences);
        differences.all().len()
    }

    #[test]
    fn a_doubled_a_missing_and_an_out_of_order_event_are_found() {
        let good = expected(&Filter::Events, &history(), 1);
        assert_eq!(found(&good), 0);
        assert_eq!(found(&good[1..]), 1, "missing");
        let doubled = [good[0], good[0], good[1], good[2], good[3]];
        assert_eq!(found(&doubled), 1, "doubled");
        let late = [good[1], good[0], good[2], good[3]];
        assert_eq!(found(&late), 1, "out of order");
        let stale = Seen {
            shown: Some(9),
            ..good[0]
        };
        assert_eq!(
            found(&[stale, good[1], good[2], good[3]]),
            1,
            "another node"
        );
        let mut unwanted = expected(&Filter::Events, &history(), 0);
        assert_eq!(found(&unwanted), 1, "unwanted");
        unwanted.clear();
        assert_eq!(found(&unwanted), 4, "nothing at all");
    }

    #[test]
    fn filters_look_at_things_as_of_each_event() {
        let positions = |filter: Filter| -> Vec<i64> {
            expected(&filter, &history(), 0)
                .iter()
                .map(|seen| seen.position)
                .collect()
        };
        let texts = |text: &str| vec![text.to_owned()];
        assert_eq!(positions(Filter::EventTypes(texts("job_submitted"))), [2]);
        assert_eq!(positions(Filter::Droplets), [1, 3, 5]);
        assert_eq!(positions(Filter::DropletStatus(texts("ACTIVE"))), [3, 5]);
        assert_eq!(positions(Filter::Droplet(Uuid::from_u128(1))), [1, 3, 5]);
        assert_eq!(positions(Filter::JobKind(texts("batch"))), [2, 4]);
        assert_eq!(positions(Filter::JobStatus(texts("CANCELLED"))), [4]);
    }
}
