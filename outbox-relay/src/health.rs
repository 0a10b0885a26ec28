//! The state of the relay's parts, for readiness and metrics.

use std::sync::Mutex;
use std::time::Instant;

use event_store::envelope::Position;

use crate::refusal::Refusal;

/// The state of one process's relay, shared with the tasks that report it.
#[derive(Debug)]
pub struct RelayHealth {
    pub(crate) sequencer: Role,
    pub(crate) publisher: Role,
    published: Mutex<Option<Position>>,
    refused: Mutex<Option<Refusal>>,
}

/// The state of [`RelayHealth`] at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The sequencer, which gives positions.
    pub sequencer: Condition,
    /// The publisher, which sends to Kafka.
    pub publisher: Condition,
    /// The position up to which Kafka has every event. `None` while this process does not know: before
    /// it leads, and on standby.
    pub published: Option<Position>,
    /// The event that Kafka refuses for good, from the refusal until Kafka has it.
    pub refused: Option<Refusal>,
}

/// The state of a part, and the time since when it has lasted.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The state.
    pub state: State,
    /// The time when the part entered the state.
    pub since: Instant,
}

/// The state of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The part has not begun yet.
    Starting,
    /// A standby: another process leads, and this one is ready to.
    Standby,
    /// The process leads and does the work.
    Leading,
    /// The process should do the work and cannot; it keeps retrying.
    Failing {
        /// The reason, in a sentence for operators.
        why: String,
    },
}

/// A part of the relay, which one process at a time leads.
#[derive(Debug)]
pub(crate) struct Role {
    name: &'static str,
    condition: Mutex<Condition>,
}

impl RelayHealth {
    /// Returns the state of a relay that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sequencer: Role::new("sequencer"),
            publisher: Role::new("publisher"),
            published: Mutex::new(None),
            refused: Mutex::new(None),
        }
    }

    /// Returns the state now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            sequencer: self.sequencer.condition(),
            publisher: self.publisher.condition(),
            published: self.published(),
            refused: self.refused(),
        }
    }

    pub(crate) fn published(&self) -> Option<Position> {
        *self.published.lock().expect("no holder panics")
    }

    pub(crate) fn refused(&self) -> Option<Refusal> {
        self.refused.lock().expect("no holder panics").clone()
    }

    /// Notes the position up to which Kafka has every event. The publisher leads then, unless Kafka
    /// still refuses an event after that position.
    pub(crate) fn published_up_to(&self, position: Position) {
        *self.published.lock().expect("no holder panics") = Some(position);
        metrics::gauge!("clustergenie_relay_published_position").set(position.0 as f64);
        let mut refused = self.refused.lock().expect("no holder panics");
        if let Some(refusal) = refused.as_ref() {
            if refusal.position > position {
                return;
            }
            tracing::info!(
                position = refusal.position.0,
                "Kafka has the event that it refused"
            );
            *refused = None;
            gauge_refused(Position::START);
        }
        drop(refused);
        self.publisher.becomes(State::Leading);
    }

    /// Notes that Kafka refused an event for good.
    pub(crate) fn refused_for_good(&self, refusal: Refusal) {
        metrics::counter!("clustergenie_relay_refused_total").increment(1);
        gauge_refused(refusal.position);
        let why = refusal.to_string();
        *self.refused.lock().expect("no holder panics") = Some(refusal);
        self.publisher.becomes(State::Failing { why });
    }

    /// Forgets what this process knows of Kafka, because another process publishes from now on.
    pub(crate) fn another_publishes(&self) {
        *self.published.lock().expect("no holder panics") = None;
        *self.refused.lock().expect("no holder panics") = None;
        gauge_refused(Position::START);
    }
}

/// Reports the position of the event that Kafka refuses for good; 0 when it refuses none.
fn gauge_refused(position: Position) {
    metrics::gauge!("clustergenie_relay_refused_position").set(position.0 as f64);
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

    /// Returns the name of the part, which is the name of its lease too.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn condition(&self) -> Condition {
        self.condition.lock().expect("no holder panics").clone()
    }

    /// Sets the state, and logs it when it changes.
    pub(crate) fn becomes(&self, state: State) {
        let mut condition = self.condition.lock().expect("no holder panics");
        if condition.state == state {
            return;
        }
        let leading = f64::from(u8::from(state == State::Leading));
        metrics::gauge!("clustergenie_relay_leading", "role" => self.name).set(leading);
        match &state {
            State::Failing { why } => tracing::warn!(role = self.name, why, "relay role fails"),
            other => tracing::info!(role = self.name, state = ?other, "relay role changed"),
        }
        // A failure that continues with another reason is still the same failure.
        let continues = matches!(
            (&condition.state, &state),
            (State::Failing { .. }, State::Failing { .. })
        );
        if !continues {
            condition.since = Instant::now();
        }
        condition.state = state;
    }
}

#[cfg(test)]
mod tests {
    use domain::stream_type::StreamType;
    use testkit::events::new_stream;

    use super::*;

    #[test]
    fn the_publisher_leads_again_when_kafka_has_the_event_that_it_refused() {
        let health = RelayHealth::new();
        health.published_up_to(Position(6));
        assert_eq!(health.snapshot().publisher.state, State::Leading);
        let refusal = Refusal {
            position: Position(8),
            stream: new_stream(StreamType::JOB),
            bytes: 70_000,
            reason: "too large".to_owned(),
            remedy: "raise the limit".to_owned(),
            published: Position(6),
        };
        health.refused_for_good(refusal.clone());
        // The publisher took over again, and has sent nothing yet.
        health.published_up_to(Position(6));
        let now = health.snapshot();
        assert_eq!(now.refused, Some(refusal.clone()));
        let State::Failing { why } = now.publisher.state else {
            panic!("{:?}", now.publisher.state);
        };
        for part in ["position 8", "too large", "raise the limit", "job/"] {
            assert!(why.contains(part), "{part} is in: {why}");
        }

        health.published_up_to(Position(9));
        let now = health.snapshot();
        assert_eq!((now.refused, now.publisher.state), (None, State::Leading));
    }

    #[test]
    fn a_standby_knows_of_no_refusal() {
        let health = RelayHealth::new();
        health.refused_for_good(Refusal {
            position: Position(8),
            stream: new_stream(StreamType::JOB),
            bytes: 70_000,
            reason: "too large".to_owned(),
            remedy: "raise the limit".to_owned(),
            published: Position(6),
        });
        health.another_publishes();
        let now = health.snapshot();
        assert_eq!((now.refused, now.published), (None, None));
    }
}
