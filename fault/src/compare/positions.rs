//! Checks the log: positions are dense, every event has one, and streams are in version order.

use std::collections::HashMap;

use super::history::History;
use crate::difference::Differences;

const CHECK: &str = "log";

/// Checks all positions; `head` is the recorded end of the log.
pub(crate) fn check(history: &History, head: i64, differences: &Differences) {
    let mut expected = 1;
    let mut versions = HashMap::new();
    for event in &history.events {
        let name = format!(
            "{}/{} version {}",
            event.stream_type, event.stream, event.version
        );
        let Some(position) = event.position else {
            differences.note(CHECK, format!("{name} has no position"));
            continue;
        };
        if position != expected {
            differences.note(
                CHECK,
                format!("{name} is at position {position} where {expected} was expected"),
            );
        }
        expected = position + 1;
        let version = versions.entry(event.stream).or_insert(0);
        if event.version != *version + 1 {
            differences.note(
                CHECK,
                format!("{name} follows version {version} in the log, at position {position}"),
            );
        }
        *version = event.version;
    }
    if head != expected - 1 {
        differences.note(
            CHECK,
            format!("the head is {head} and the last event {}", expected - 1),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::Event;
    use super::super::history::tests::event;
    use super::*;

    fn found(events: Vec<Event>, head: i64) -> usize {
        let differences = Differences::default();
        check(&History { events }, head, &differences);
        differences.all().len()
    }

    #[test]
    fn what_is_out_of_place_is_found() {
        let good = vec![
            event(1, 1, 1, "droplet_requested"),
            event(2, 2, 1, "job_submitted"),
            event(3, 1, 2, "droplet_tagged"),
        ];
        assert_eq!(found(good.clone(), 3), 0);
        // A hole, an event without a position, one twice, a stream out of order, a wrong head.
        assert_eq!(found(vec![good[0].clone(), good[2].clone()], 3), 1);
        let mut lost = good.clone();
        lost[2].position = None;
        assert_eq!(found(lost, 2), 1);
        assert_ne!(found(vec![good[0].clone(), good[0].clone()], 2), 0);
        let swapped = vec![
            event(1, 1, 2, "droplet_tagged"),
            event(2, 1, 1, "droplet_requested"),
        ];
        assert_eq!(found(swapped, 2), 2);
        assert_eq!(found(good, 4), 1);
    }
}
