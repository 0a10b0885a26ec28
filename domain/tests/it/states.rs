//! Every aggregate's states, in the bytes of a snapshot.
//!
//! A change here means that old snapshots would be read wrongly: raise `STATE_VERSION`, which makes
//! them unread, then make the new file as for events and delete the old one.

use domain::decider::Decider;
use domain::droplet::{Droplet, DropletEvent};
use domain::event::DomainEvent;
use domain::job::{Job, JobEvent};

use crate::golden;

#[test]
fn a_droplet_is_kept_in_snapshots_as_its_golden_file_says() {
    check::<Droplet>(&DropletEvent::samples());
}

#[test]
fn a_job_is_kept_in_snapshots_as_its_golden_file_says() {
    check::<Job>(&JobEvent::samples());
}

/// Holds every state that the samples lead to, in any order and number, one a line, against the
/// file.
fn check<D: Decider>(samples: &[D::Event]) {
    let mut states = vec![D::default()];
    let mut next = 0;
    while let Some(state) = states.get(next).cloned() {
        for event in samples {
            let after = state.clone().evolve(event);
            if !states.contains(&after) {
                states.push(after);
            }
        }
        next += 1;
    }
    for state in &states {
        let read: D = serde_json::from_str(&json(state)).expect("states come back");
        assert_eq!(read, *state);
    }
    let lines: String = states.iter().map(|state| json(state) + "\n").collect();
    let file = format!("{}.v{}.jsonl", D::STREAM_TYPE, D::STATE_VERSION);
    assert_eq!(golden::check("states", &file, &lines), Ok(()));
}

fn json<D: Decider>(state: &D) -> String {
    serde_json::to_string(state).expect("states serialise")
}
