//! Every schedule of two publishers, in a model: the lease and the rows of `es.unpublished` in
//! Postgres, and Kafka with one `transactional.id`. The steps are those of `publisher`, `held` and `writer`;
//! a publisher may be paused before any of them and crash after any of them, and the lease may be lost
//! at any time, as with a clock that jumps.
//!
//! In every state that can be reached: no event is committed twice, or before an earlier one of its
//! stream, and what the record of progress vouches for is in Kafka or has a row. From every such state,
//! whoever leads alone brings every event to Kafka exactly once, except those that an operator skipped.
//! The operator may raise the topic's limit at any time, and decide twice, before that and after: to try
//! again what is refused once more, to skip it, and then about the next refused event of the stream.
//! Each rule that the proof in `held` rests on is left out once, and then the search finds a failure.

mod search;
mod state;

use self::search::search;

/// The stream of each event; positions count from 1.
const STREAMS: [u8; 5] = [0, 1, 0, 1, 1];
/// The events that are too large for their topic, for now: of one stream.
const LARGE: [u8; 2] = [2, 4];
/// Events at most in one transaction.
const BATCH: u8 = 2;

/// What may happen at most, so that there is an end.
const TURNS: u8 = 3;
const STARTS: u8 = 4;
const CRASHES: u8 = 1;
const DECISIONS: u8 = 2;

/// The rules of the publisher, or all but one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    All,
    /// Kafka lets a producer go on whose `transactional.id` another one took over.
    NoFencing,
    /// A release does not say so in the record of progress.
    NoReleaseInTheRecord,
    /// A publisher does not check in Postgres that the lease is still its own.
    NoLeaseInPostgres,
    /// Events are let wait after the transaction that passes them.
    RowsAfterTheCommit,
    /// The record is read before the publisher before is fenced.
    ReadBeforeFencing,
    /// Later events of a refused one are sent.
    NobodyWaits,
    /// A stream is let go although a skipped event of it is still to be passed.
    LetsGoTooEarly,
    /// An operator may skip an event that is to be tried again.
    SkipsWhatIsTriedAgain,
    /// Events are released that stand after the position in the record.
    ReleasesBeyondThePosition,
    /// Released rows are deleted after another transaction.
    RowsDeletedLate,
}

#[expect(
    clippy::print_stdout,
    reason = "the schedule that was found is for people to read"
)]
fn assert_missed(rules: Rules) {
    let found = search(rules);
    let wrong = found
        .wrong
        .expect("without the rule some schedule is wrong");
    println!("{rules:?}, after {} states: {wrong}", found.states);
}

#[test]
fn every_event_is_published_once_in_every_schedule() {
    let found = search(Rules::All);
    println!("{} states, {} steps", found.states, found.steps);
    assert_eq!(found.wrong, None);
    assert!(found.states > 10_000, "the search went somewhere");
}

#[test]
fn without_fencing_an_old_publisher_doubles_events() {
    assert_missed(Rules::NoFencing);
}

#[test]
fn without_the_release_in_the_record_a_crash_doubles_events() {
    assert_missed(Rules::NoReleaseInTheRecord);
}

#[test]
fn without_the_lease_an_old_publisher_spoils_rows() {
    assert_missed(Rules::NoLeaseInPostgres);
}

#[test]
fn with_rows_after_the_commit_a_crash_loses_events() {
    assert_missed(Rules::RowsAfterTheCommit);
}

#[test]
fn with_the_record_read_before_fencing_events_are_doubled() {
    assert_missed(Rules::ReadBeforeFencing);
}

#[test]
fn a_later_event_that_does_not_wait_is_out_of_order() {
    assert_missed(Rules::NobodyWaits);
}

#[test]
fn a_stream_let_go_too_early_publishes_what_was_skipped() {
    assert_missed(Rules::LetsGoTooEarly);
}

#[test]
fn what_is_tried_again_and_skipped_is_published_all_the_same() {
    assert_missed(Rules::SkipsWhatIsTriedAgain);
}

#[test]
fn what_is_released_before_the_log_is_read_past_it_is_doubled() {
    assert_missed(Rules::ReleasesBeyondThePosition);
}

#[test]
fn with_rows_that_are_deleted_late_a_crash_doubles_events() {
    assert_missed(Rules::RowsDeletedLate);
}
