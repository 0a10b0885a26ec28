//! What the parts of the relay are doing, for readiness and metrics.

use std::sync::Mutex;
use std::time::Instant;

use event_store::envelope::Position;

/// The relay of a process, as seen by others; shared with the tasks that it tells about.
#[derive(Debug)]
pub struct RelayHealth {
    pub(crate) sequencer: Role,
    pub(crate) publisher: Role,
    published: Mutex<Option<Position>>,
    held_back: Mutex<HeldBack>,
}

/// [`RelayHealth`] at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Gives positions.
    pub sequencer: Condition,
    /// Sends to Kafka.
    pub publisher: Condition,
    /// Kafka has every event up to here; `None` while this process has not been told: from when it
    /// stands by until it leads.
    pub published: Option<Position>,
    /// What is kept from Kafka, while this process leads.
    pub held_back: HeldBack,
}

/// Streams with an event that Kafka refused for good, as of a second ago at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// How many streams.
    pub streams: i64,
    /// How many events of them Kafka does not have.
    pub events: i64,
}

/// What a part is doing, and for how long.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What it is doing.
    pub state: State,
    /// When it began to.
    pub since: Instant,
}

/// What a part is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing yet.
    Starting,
    /// Another process does the work; this one is ready to.
    Standby,
    /// This process does the work.
    Leading,
    /// This process should do the work and cannot; it keeps trying.
    Failing {
        /// Why, in a sentence for operators.
        why: String,
    },
}

/// One part, which one process at a time plays.
#[derive(Debug)]
pub(crate) struct Role {
    name: &'static str,
    condition: Mutex<Condition>,
}

impl RelayHealth {
    /// Nothing has begun yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sequencer: Role::new("sequencer"),
            publisher: Role::new("publisher"),
            published: Mutex::new(None),
            held_back: Mutex::new(HeldBack::default()),
        }
    }

    /// How things are now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            sequencer: self.sequencer.condition(),
            publisher: self.publisher.condition(),
            published: self.published(),
            held_back: *self.held_back.lock().expect("no holder panics"),
        }
    }

    pub(crate) fn published(&self) -> Option<Position> {
        *self.published.lock().expect("no holder panics")
    }

    pub(crate) fn published_up_to(&self, position: Position) {
        *self.published.lock().expect("no holder panics") = Some(position);
        metrics::gauge!("clustergenie_relay_published_position").set(position.0 as f64);
    }

    pub(crate) fn holds_back(&self, held_back: HeldBack) {
        *self.held_back.lock().expect("no holder panics") = held_back;
        metrics::gauge!("clustergenie_relay_held_streams").set(held_back.streams as f64);
        metrics::gauge!("clustergenie_relay_held_events").set(held_back.events as f64);
    }

    pub(crate) fn forget_published(&self) {
        *self.published.lock().expect("no holder panics") = None;
    }
}

impl Default for RelayHealth {
    fn default() -> Self {
        Self::new()
    }
}

impl Role {
    fn new(name: &'static str) -> Self {
        let condition = Condition {
            state: State::Starting,
            since: Instant::now(),
        };
        Self {
            name,
            condition: Mutex::new(condition),
        }
    }

    /// The name of its lease, too.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn condition(&self) -> Condition {
        self.condition.lock().expect("no holder panics").clone()
    }

    /// Notes a state, and logs it when it is another one.
    pub(crate) fn becomes(&self, state: State) {
        let mut condition = self.condition.lock().expect("no holder panics");
        if condition.state == state {
            return;
        }
        let leading = f64::from(u8::from(state == State::Leading));
        metrics::gauge!("clustergenie_relay_leading", "role" => self.name).set(leading);
        match &state {
            State::Failing { why } => tracing::warn!(role = self.name, why, "cannot lead"),
            other => tracing::info!(role = self.name, state = ?other, "relay role changed"),
        }
        // A failure that goes on with other words is still the same failure.
        let goes_on = matches!(
            (&condition.state, &state),
            (State::Failing { .. }, State::Failing { .. })
        );
        if !goes_on {
            condition.since = Instant::now();
        }
        condition.state = state;
    }
}
