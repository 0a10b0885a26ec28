//! The gate between an actor and Postgres: holds each statement until the explorer releases it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

/// A replacement of a statement's text on the way to Postgres. With it the otherwise unchanged program runs
/// without one of its safeguards.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// The text in the statement.
    pub find: &'static str,
    /// The text for Postgres. Must use the same parameters.
    pub replace: &'static str,
}

/// The state of an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ActorState {
    /// Computation, or a statement that runs or waits for a lock.
    Running,
    /// A wait at the gate before this statement.
    Held(String),
    /// The end of the actor, or its panic with this message.
    Ended(Result<(), String>),
}

/// Notifies the explorer of a changed state.
pub(super) type Bell = Arc<Notify>;

/// The gate, shared by an actor's connection and the explorer.
#[derive(Debug)]
pub(super) struct Gate {
    place: Mutex<Place>,
    turn: Notify,
    bell: Bell,
    mutations: Vec<Mutation>,
    mutated: AtomicUsize,
}

#[derive(Debug)]
struct Place {
    state: ActorState,
    passage: Passage,
    pid: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// Holds statements.
    Closed,
    /// Releases one statement.
    Once,
    /// Releases all statements.
    Open,
}

impl Gate {
    pub(super) fn new(bell: Bell, mutations: Vec<Mutation>) -> Arc<Self> {
        Arc::new(Self {
            place: Mutex::new(Place {
                state: ActorState::Running,
                passage: Passage::Closed,
                pid: None,
            }),
            turn: Notify::new(),
            bell,
            mutations,
            mutated: AtomicUsize::new(0),
        })
    }

    pub(super) fn state(&self) -> ActorState {
        self.place().state.clone()
    }

    pub(super) fn set_state(&self, state: ActorState) {
        self.place().state = state;
        self.bell.notify_one();
    }

    /// The server's process for the actor's connection, if known.
    pub(super) fn pid(&self) -> Option<i32> {
        self.place().pid
    }

    pub(super) fn is_served_by(&self, pid: i32) {
        self.place().pid = Some(pid);
    }

    /// Number of statements that the mutations changed.
    pub(super) fn mutated(&self) -> usize {
        self.mutated.load(Ordering::SeqCst)
    }

    /// Releases the held statement.
    pub(super) fn pass(&self) {
        let mut place = self.place();
        (place.state, place.passage) = (ActorState::Running, Passage::Once);
        drop(place);
        self.turn.notify_one();
    }

    /// Releases every statement, until the gate is closed.
    pub(super) fn open(&self) {
        self.place().passage = Passage::Open;
        self.turn.notify_one();
    }

    /// Holds every statement, until the gate is opened or a statement is released.
    pub(super) fn close(&self) {
        self.place().passage = Passage::Closed;
    }

    /// Waits until the statement may pass.
    pub(super) async fn hold(&self, statement: &str) {
        loop {
            {
                let mut place = self.place();
                match place.passage {
                    Passage::Closed => {
                        let held = ActorState::Held(statement.to_owned());
                        if place.state != held {
                            place.state = held;
                            self.bell.notify_one();
                        }
                    }
                    Passage::Once => {
                        place.passage = Passage::Closed;
                        return;
                    }
                    Passage::Open => {
                        place.state = ActorState::Running;
                        return;
                    }
                }
            }
            self.turn.notified().await;
        }
    }

    /// The text of a statement with the mutations.
    pub(super) fn mutate(&self, statement: &str) -> String {
        let mut mutated = statement.to_owned();
        for Mutation { find, replace } in &self.mutations {
            if mutated.contains(find) {
                self.mutated.fetch_add(1, Ordering::SeqCst);
                mutated = mutated.replace(find, replace);
            }
        }
        mutated
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().expect("nobody panics with the lock")
    }
}
