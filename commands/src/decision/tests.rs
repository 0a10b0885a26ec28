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
        after: Droplet::Absent.into_state(),
        released,
        taken,
    }
}

fn names(changes: impl IntoIterator<Item = Change>) -> Result<Vec<NameChange>, Rejected> {
    let mut changes = changes.into_iter();
    let subject = changes.next().expect("a subject");
    let others = changes.collect();
    Decision { subject, others }.names()
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
            (refused.code, refused.field),
            ("TESTED_NAME_TAKEN", Some("called"))
        );
        assert_eq!(
            refused.message,
            "another tested thing has the name a: choose another name, or delete that thing first"
        );
    }
}
