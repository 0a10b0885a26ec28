//! Visits every state that can be reached, and tries from each whether it ends well.

use std::collections::HashSet;
use std::rc::Rc;

use super::Safeguards;
use super::state::State;

/// The result of a search.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) states: usize,
    pub(super) steps: usize,
    /// The first property that breaks, with the steps that lead there.
    pub(super) wrong: Option<String>,
}

/// Searches breadth first, so that the schedule of a failure is a shortest one.
pub(super) fn search(with: Safeguards) -> Found {
    let mut found = Found::default();
    let start = Rc::new(State::new());
    // Many states leave the same behind.
    let mut abandoned: HashSet<State> = HashSet::new();
    let mut known: HashSet<Rc<State>> = HashSet::from([Rc::clone(&start)]);
    let mut reached: Vec<(Rc<State>, usize, String)> = vec![(start, 0, "start".to_owned())];
    let mut next = 0;
    while next < reached.len() {
        let state = Rc::clone(&reached[next].0);
        let left = state.abandoned();
        let wrong = state.wrong(with).or_else(|| {
            let is_new = abandoned.insert(left.clone());
            is_new
                .then(|| left.end(with).wrong_at_the_end(with))
                .flatten()
        });
        if let Some(wrong) = wrong {
            found.wrong = Some(format!("{wrong}\n{}", story(&reached, next)));
            break;
        }
        for (step, successor) in state.successors(with) {
            found.steps += 1;
            let successor = Rc::new(successor.sorted());
            if known.insert(Rc::clone(&successor)) {
                reached.push((successor, next, step));
            }
        }
        next += 1;
    }
    found.states = reached.len();
    found
}

fn story(reached: &[(Rc<State>, usize, String)], mut at: usize) -> String {
    let mut steps = vec![format!("{:?}", reached[at].0)];
    while at > 0 {
        let (_, before, step) = &reached[at];
        steps.push(step.clone());
        at = *before;
    }
    steps.reverse();
    steps.join("\n    ")
}
