use chrono::DateTime;
use domain::ids::{EventId, OrgId};
use domain::stream_type::StreamType;
use uuid::Uuid;

use super::*;
use crate::envelope::{StreamId, Version};

fn events(positions: std::ops::RangeInclusive<i64>) -> Vec<Arc<Positioned<StoredEvent>>> {
    let event = |position| {
        Arc::new(Positioned {
            position: Position(position),
            event: StoredEvent {
                stream: StreamId {
                    stream_type: StreamType::DROPLET,
                    uuid: Uuid::nil(),
                },
                version: Version(1),
                event_id: EventId::new(Uuid::nil()),
                org: OrgId::parse("acme").expect("is the name of an organization"),
                event_type: "droplet_requested".to_owned(),
                schema_version: 1,
                data: "{}".to_owned(),
                metadata: "{}".to_owned(),
                recorded_at: DateTime::UNIX_EPOCH,
            },
        })
    };
    positions.map(event).collect()
}

/// What an event of [`events`] takes.
const SIZE: usize = OVERHEAD + 4;

fn read(window: &mut Window, after: i64, positions: std::ops::RangeInclusive<i64>) {
    let number = window.begin_read();
    window.extend(number, Position(after), events(positions));
}

/// The positions of what is found; `None` before the window, nothing beyond it.
fn found(window: &Window, after: i64, limit: usize) -> Option<Vec<i64>> {
    match window.find(Position(after), limit) {
        Found::Here(read) => Some(read.events.iter().map(|e| e.position.0).collect()),
        Found::Before => None,
        Found::Beyond => Some(Vec::new()),
    }
}

#[test]
fn reads_of_the_end_are_put_together() {
    let mut window = Window::new(usize::MAX);
    assert_eq!(found(&window, 0, 10), Some(vec![]));
    read(&mut window, 0, 1..=3);
    read(&mut window, 3, 4..=5);
    assert_eq!(found(&window, 0, 10), Some(vec![1, 2, 3, 4, 5]));
    assert_eq!(found(&window, 2, 2), Some(vec![3, 4]));
    assert_eq!(found(&window, 5, 10), Some(vec![]));
}

#[test]
fn one_that_stands_further_on_takes_the_place_of_what_was_there() {
    let mut window = Window::new(usize::MAX);
    read(&mut window, 0, 1..=3);
    read(&mut window, 10, 11..=12);
    assert_eq!(found(&window, 2, 10), None);
    assert_eq!(found(&window, 9, 10), None);
    assert_eq!(found(&window, 10, 10), Some(vec![11, 12]));
}

#[test]
fn the_oldest_events_go_when_there_is_no_room() {
    let mut window = Window::new(3 * SIZE);
    read(&mut window, 0, 1..=2);
    read(&mut window, 2, 3..=5);
    assert_eq!(window.bytes, 3 * SIZE);
    assert_eq!(found(&window, 1, 10), None);
    assert_eq!(found(&window, 2, 10), Some(vec![3, 4, 5]));
    // More than there is room for.
    read(&mut window, 5, 6..=20);
    assert_eq!(window.bytes, 3 * SIZE);
    assert_eq!(found(&window, 17, 10), Some(vec![18, 19, 20]));
    let mut none = Window::new(0);
    read(&mut none, 0, 1..=2);
    assert_eq!((none.bytes, none.events.len()), (0, 0));
    assert_eq!(found(&none, 1, 10), None);
    assert_eq!(found(&none, 2, 10), Some(vec![]));
}

#[test]
fn a_read_that_found_nothing_counts_for_those_who_asked_before_it_began() {
    let mut window = Window::new(usize::MAX);
    read(&mut window, 0, 1..=3);
    let before = window.reads_begun();
    let number = window.begin_read();
    let meanwhile = window.reads_begun();
    window.extend(number, Position(3), Vec::new());
    assert!(window.was_end(Position(3), before));
    assert!(!window.was_end(Position(3), meanwhile));
    assert!(!window.was_end(Position(4), before));
}

#[test]
fn what_was_read_before_the_window_was_forgotten_does_not_come_back() {
    let mut window = Window::new(usize::MAX);
    read(&mut window, 0, 1..=3);
    let (asked, number) = (window.reads_begun(), window.begin_read());
    window.forget();
    window.extend(number, Position(3), events(4..=5));
    assert_eq!(found(&window, 0, 10), Some(vec![]));
    window.extend(number, Position(3), Vec::new());
    assert!(!window.was_end(Position(3), asked));
    read(&mut window, 7, 8..=9);
    assert_eq!(found(&window, 7, 10), Some(vec![8, 9]));
}
