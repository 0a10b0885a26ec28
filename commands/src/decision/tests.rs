use domain::counter::CounterScope;
use domain::droplet::Droplet;
use domain::ids::DropletId;
use domain::unique_name::{NameScope, Reach};
use uuid::Uuid;

use super::*;

static NAMES: NameScope = NameScope {
    name: "tested_name",
    reach: Reach::Organization,
    code: "TESTED_NAME_TAKEN",
    field: "called",
    holder: "tested thing",
};

fn name(key: &str) -> UniqueName {
    UniqueName {
        scope: &NAMES,
        key: key.to_owned(),
    }
}

fn stream(number: u128) -> StreamId {
    DropletId::new(Uuid::from_u128(number)).into()
}

/// A change of a stream that holds other names after it than before.
fn renamed(number: u128, before: &[&str], after: &[&str]) -> Change {
    let names = |keys: &[&str]| keys.iter().map(|key| name(key)).collect();
    let (released, taken) = name_changes(names(before), names(after));
    Change {
        stream: stream(number),
        before: Version(1),
        events: Vec::new(),
        after: Arc::new(Droplet::Absent),
        released,
        taken,
        counted: BTreeMap::new(),
    }
}

fn names(changes: impl IntoIterator<Item = Change>) -> Result<Vec<NameChange>, Rejected> {
    decision(changes).names()
}

fn decision(changes: impl IntoIterator<Item = Change>) -> Decision {
    let mut changes = changes.into_iter();
    let subject = changes.next().expect("a subject");
    changes.fold(subject.into(), Decision::with)
}

fn take(key: &str, by: u128) -> NameChange {
    NameChange::Take(name(key), stream(by))
}

fn release(key: &str, by: u128) -> NameChange {
    NameChange::Release(name(key), stream(by))
}

fn hand_over(key: &str, from: u128, to: u128) -> NameChange {
    NameChange::HandOver {
        name: name(key),
        from: stream(from),
        to: stream(to),
    }
}

#[test]
fn names_follow_the_states() {
    let changes = |before, after| names([renamed(1, before, after)]).expect("no name is disputed");
    assert_eq!(changes(&[], &["a"]), [take("a", 1)]);
    assert_eq!(changes(&["a"], &["a"]), []);
    assert_eq!(changes(&["a"], &["b"]), [release("a", 1), take("b", 1)]);
    assert_eq!(changes(&["a"], &[]), [release("a", 1)]);
    assert_eq!(
        changes(&["a", "b"], &["b", "c"]),
        [release("a", 1), take("c", 1)]
    );
    assert_eq!(changes(&[], &[]), []);
}

#[test]
fn what_one_stream_gives_back_and_another_takes_is_handed_over() {
    let given = names([renamed(1, &["a"], &[]), renamed(2, &[], &["a"])]);
    assert_eq!(given.expect("no name is disputed"), [hand_over("a", 1, 2)]);
    // Whichever of them comes first.
    let taken = names([renamed(1, &[], &["a"]), renamed(2, &["a"], &[])]);
    assert_eq!(taken.expect("no name is disputed"), [hand_over("a", 2, 1)]);
    let swapped = names([renamed(1, &["a"], &["b"]), renamed(2, &["b"], &["a"])]);
    let expected = [hand_over("a", 1, 2), hand_over("b", 2, 1)];
    assert_eq!(swapped.expect("no name is disputed"), expected);
}

#[test]
fn two_streams_of_one_command_do_not_take_one_name() {
    for changes in [
        vec![renamed(1, &[], &["a"]), renamed(2, &[], &["a"])],
        vec![
            renamed(1, &[], &["a"]),
            renamed(2, &[], &["a"]),
            renamed(3, &["a"], &[]),
        ],
    ] {
        let refused = names(changes).expect_err("the name is disputed");
        assert_eq!(
            (&*refused.code, refused.field.as_deref()),
            ("TESTED_NAME_TAKEN", Some("called"))
        );
        assert_eq!(
            refused.message,
            "another tested thing has the name a: choose another name, or delete that thing first"
        );
    }
}

static PLACES: CounterScope = CounterScope {
    name: "tested_places",
    reach: Reach::Organization,
};

fn counter(key: &str) -> Counter {
    Counter {
        scope: &PLACES,
        key: key.to_owned(),
    }
}

/// A change of a stream that is counted otherwise after it than before.
fn moved(number: u128, before: &[&str], after: &[&str]) -> Change {
    let counters = |keys: &[&str]| keys.iter().map(|key| counter(key)).collect();
    Change {
        counted: counter_changes(counters(before), counters(after)),
        ..renamed(number, &[], &[])
    }
}

fn refusal(code: &'static str) -> Rejected {
    Rejected {
        code: code.into(),
        field: None,
        message: String::new(),
    }
}

fn change(key: &str, added: i64, within: Option<RangeInclusive<i64>>) -> CounterChange {
    CounterChange {
        counter: counter(key),
        added,
        within,
    }
}

#[test]
fn counters_follow_the_states() {
    let changes = |before, after| decision([moved(1, before, after)]).counters();
    assert_eq!(changes(&[], &["a"]), [change("a", 1, None)]);
    assert_eq!(changes(&["a"], &["a"]), []);
    assert_eq!(
        changes(&["a"], &["b"]),
        [change("a", -1, None), change("b", 1, None)]
    );
    assert_eq!(changes(&["a", "a"], &["a"]), [change("a", -1, None)]);
    let both = decision([moved(1, &["a"], &[]), moved(2, &[], &["a"])]);
    assert_eq!(both.counters(), [], "what one gives back, the other takes");
}

#[test]
fn bounds_on_one_counter_hold_together_and_each_has_its_refusal() {
    let decision = decision([moved(1, &[], &["a"])])
        .require(counter("a"), 0..=5, refusal("TOO_MANY"))
        .require(counter("a"), 3..=i64::MAX, refusal("TOO_FEW"))
        .require(counter("b"), 0..=0, refusal("NOT_EMPTY"));
    let expected = [change("a", 1, Some(3..=5)), change("b", 0, Some(0..=0))];
    assert_eq!(decision.counters(), expected);
    assert_eq!(decision.refusal(&counter("a"), 5).code, "TOO_MANY");
    assert_eq!(decision.refusal(&counter("a"), 1).code, "TOO_FEW");
    assert_eq!(decision.refusal(&counter("b"), 1).code, "NOT_EMPTY");
}

#[test]
fn every_decision_within_bounds_has_a_token_that_can_be_read() {
    let of = |streams: u128| decision((0..streams).map(|number| renamed(number, &[], &[])));
    let largest = of(64).within_bounds().expect("is allowed");
    let token = largest.receipt(IncarnationId(Uuid::nil())).token();
    assert_eq!(token.to_string().parse(), Ok(token));
    let rejected = of(65).within_bounds();
    assert!(
        matches!(&rejected, Err(CommandError::Rejected(r)) if r.code == "COMMAND_TOO_LARGE"),
        "{rejected:?}"
    );
}
