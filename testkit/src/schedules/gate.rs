//! Stands between an actor and Postgres, and lets a statement pass when it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

/// Text of a statement and what it is replaced by on the way to Postgres: the program runs as it is, with
/// one of its safeguards taken out.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// What the statement says.
    pub find: &'static str,
    /// What Postgres gets instead. It must name the same parameters.
    pub replace: &'static str,
}

/// Where an actor stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It computes, or its statement runs or waits for a lock.
    Running,
    /// It is about to run this statement.
    Held(String),
    /// It has ended; or it has panicked, saying this.
    Ended(Result<(), String>),
}

/// Tells the explorer that somebody stands elsewhere.
pub(super) type Bell = Arc<Notify>;

/// What an actor's connections and the explorer share.
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
    standing: Standing,
    passage: Passage,
    pid: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// Statements wait.
    Closed,
    /// One may pass.
    Once,
    /// All pass.
    Open,
}

impl Gate {
    pub(super) fn new(bell: Bell, mutations: Vec<Mutation>) -> Arc<Self> {
        Arc::new(Self {
            place: Mutex::new(Place {
                standing: Standing::Running,
                passage: Passage::Closed,
                pid: None,
            }),
            turn: Notify::new(),
            bell,
            mutations,
            mutated: AtomicUsize::new(0),
        })
    }

    pub(super) fn standing(&self) -> Standing {
        self.place().standing.clone()
    }

    pub(super) fn stands(&self, standing: Standing) {
        self.place().standing = standing;
        self.bell.notify_one();
    }

    /// The server's process for the actor's connection.
    pub(super) fn pid(&self) -> Option<i32> {
        self.place().pid
    }

    pub(super) fn is_served_by(&self, pid: i32) {
        self.place().pid = Some(pid);
    }

    /// How often the mutation met its text.
    pub(super) fn mutated(&self) -> usize {
        self.mutated.load(Ordering::SeqCst)
    }

    /// Lets the statement that is held pass.
    pub(super) fn pass(&self) {
        let mut place = self.place();
        (place.standing, place.passage) = (Standing::Running, Passage::Once);
        drop(place);
        self.turn.notify_one();
    }

    /// Lets everything pass from now on.
    pub(super) fn open(&self) {
        self.place().passage = Passage::Open;
        self.turn.notify_one();
    }

    /// Holds every statement from now on.
    pub(super) fn close(&self) {
        self.place().passage = Passage::Closed;
    }

    /// Returns when the statement may pass.
    pub(super) async fn hold(&self, statement: &str) {
        loop {
            {
                let mut place = self.place();
                match place.passage {
                    Passage::Closed => {
                        let held = Standing::Held(statement.to_owned());
                        if place.standing != held {
                            place.standing = held;
                            self.bell.notify_one();
                        }
                    }
                    Passage::Once => {
                        place.passage = Passage::Closed;
                        return;
                    }
                    Passage::Open => {
                        place.standing = Standing::Running;
                        return;
                    }
                }
            }
            self.turn.notified().await;
        }
    }

    /// What Postgres gets in place of a statement.
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
