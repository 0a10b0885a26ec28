//! Every schedule of two publishers, in a model of Kafka with one `transactional.id`.
//!
//! The steps are those of `publisher::session` and `publisher::writer`. A publisher may be paused before any
//! of them, crash after any of them, and start at any time: the lease is left out, because nothing here
//! may rest on it. Kafka may fail to take a message, refuses one event until its limit is raised at any
//! time, and finishes a transaction in its own time after it was decided, partition by partition.
//!
//! In every state that can be reached, readers of committed messages have seen positions ascend in every
//! partition, and Kafka has what the record of progress vouches for, and nothing after it. From every such
//! state, a publisher that leads alone brings every event to Kafka. Together: each event exactly once.
//! Each safeguard is left out once, and then the search finds a schedule that breaks a property.

mod search;
mod state;

use self::search::search;

/// The partition of each event; positions count from 1.
const PARTITIONS: [usize; 6] = [0, 1, 0, 0, 1, 0];
/// The event that is too large for its topic, until the limit is raised.
const LARGE: u8 = 4;
/// The most events in one transaction.
const BATCH: u8 = 3;
/// The most starts of publishers, so that there is an end.
const STARTS: u8 = 6;

/// The safeguards, or all but one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Safeguards {
    All,
    /// Kafka lets a producer continue whose `transactional.id` another one took over.
    NoFencing,
    /// The record is read before the publisher before is fenced.
    ReadBeforeFencing,
    /// Kafka lets a producer start before a decided transaction is finished in every partition.
    StartsDuringATransaction,
    /// The record of progress is written in a transaction of its own, after the events.
    RecordApart,
    /// The producer is not idempotent: a message that is sent again may come later than those after it.
    NoIdempotence,
    /// A transaction is committed without the messages that Kafka did not take.
    CommitsWhatWasTaken,
    /// What Kafka refuses is passed over, and published when Kafka takes it.
    PublishesAround,
}

#[expect(
    clippy::print_stdout,
    reason = "the schedule that was found is for people to read"
)]
fn assert_breaks(without: Safeguards, property: &str) {
    let found = search(without);
    let wrong = found.wrong.expect("some schedule breaks a property");
    println!("{without:?}, after {} states: {wrong}", found.states);
    assert!(wrong.starts_with(property), "{property}");
}

const ASCENDING: &str = "positions do not ascend";
const VOUCHED: &str = "the record does not tell";

#[test]
fn positions_ascend_and_every_event_is_published_once_in_every_schedule() {
    let found = search(Safeguards::All);
    println!("{} states, {} steps", found.states, found.steps);
    assert_eq!(found.wrong, None);
    assert!(found.states > 10_000, "the search went somewhere");
}

#[test]
fn without_fencing_an_old_publisher_doubles_events() {
    assert_breaks(Safeguards::NoFencing, ASCENDING);
}

#[test]
fn with_the_record_read_before_fencing_events_are_doubled() {
    assert_breaks(Safeguards::ReadBeforeFencing, ASCENDING);
}

#[test]
fn with_a_start_during_a_transaction_events_are_doubled() {
    assert_breaks(Safeguards::StartsDuringATransaction, ASCENDING);
}

#[test]
fn with_the_record_in_a_transaction_of_its_own_a_crash_doubles_events() {
    assert_breaks(Safeguards::RecordApart, ASCENDING);
}

#[test]
fn without_idempotence_positions_change_places() {
    assert_breaks(Safeguards::NoIdempotence, ASCENDING);
}

#[test]
fn what_is_committed_after_a_failure_leaves_a_hole() {
    assert_breaks(Safeguards::CommitsWhatWasTaken, VOUCHED);
}

#[test]
fn what_is_published_around_a_refused_event_does_not_ascend() {
    assert_breaks(Safeguards::PublishesAround, ASCENDING);
}
