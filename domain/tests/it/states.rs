//! Every aggregate's states, in the bytes of a snapshot.
//!
//! A change here means that old snapshots would be read wrongly: raise `STATE_VERSION`, which makes
//! them unread, then make the new file as for events and delete the old one.

use domain::registry::AGGREGATES;

use crate::golden;

/// Compares every state that the samples lead to, in any order and number, one a line, with the file.
#[test]
fn states_are_kept_in_snapshots_as_their_golden_files_say() {
    for aggregate in AGGREGATES {
        let (version, states) = (aggregate.states)();
        let lines: String = states.into_iter().map(|state| state + "\n").collect();
        let file = format!("{}.v{version}.jsonl", aggregate.name);
        assert_eq!(golden::check("states", &file, &lines), Ok(()));
    }
}
