//! The events that a subscriber received, for the comparison after the run.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use serde::Serialize;
use tokio::sync::Notify;
use uuid::Uuid;

use super::filter::Filter;

/// A received event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Seen {
    pub(crate) position: i64,
    pub(crate) stream: Uuid,
    pub(crate) version: i64,
    /// The version of the droplet or job in the same message.
    pub(crate) shown: Option<i64>,
}

/// The events that a subscriber received, in memory and in a file.
#[derive(Debug)]
pub(crate) struct SubscriberLog {
    pub(crate) name: String,
    pub(crate) filter: Filter,
    state: Mutex<State>,
    reconnect: Notify,
}

#[derive(Debug)]
struct State {
    file: File,
    seen: Vec<Seen>,
    connections: u64,
}

impl SubscriberLog {
    /// Creates an empty log in a new file.
    pub(crate) fn new(folder: &Path, number: usize, filter: Filter) -> anyhow::Result<Self> {
        let name = format!("subscriber-{number} ({filter:?})");
        let file = File::create_new(folder.join(format!("subscriber-{number}.jsonl")))?;
        let state = State {
            file,
            seen: Vec::new(),
            connections: 0,
        };
        Ok(Self {
            name,
            filter,
            state: Mutex::new(state),
            reconnect: Notify::new(),
        })
    }

    /// All received events, in the order of their arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// Number of received events.
    pub(crate) fn len(&self) -> usize {
        self.state().seen.len()
    }

    /// Number of connections so far.
    pub(crate) fn connections(&self) -> u64 {
        self.state().connections
    }

    /// Requests a reconnection of the subscriber.
    pub(crate) fn reconnect(&self) {
        self.reconnect.notify_one();
    }

    /// Waits until a reconnection is requested.
    pub(super) async fn reconnect_requested(&self) {
        self.reconnect.notified().await;
    }

    /// Counts a connection.
    pub(super) fn note_connection(&self) {
        self.state().connections += 1;
    }

    /// Records a received event.
    pub(super) fn note(&self, seen: Seen) -> anyhow::Result<()> {
        let mut state = self.state();
        writeln!(state.file, "{}", serde_json::to_string(&seen)?)?;
        state.seen.push(seen);
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}
