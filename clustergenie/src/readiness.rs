//! Whether this process can do its work: what `/readyz` answers.
//!
//! The database is looked at every second by a task of its own, so that answering never waits. A read
//! model counts as ready while the oldest event that it lacks is young: it is then merely busy. One that an
//! operator has paused is told of and counts as ready, because to stop the process would help nobody. One
//! that code of another version made does not: whoever replaces processes one by one should wait until it
//! was made anew.

use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use api::graph::readiness::{Part, PartState, Readiness};
use event_store::consume::consumer::Consumer;
use outbox_relay::health::{RelayHealth, State};
use projections::status::{self, ConsumerStatus};
use schema::migrate::SchemaError;
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the database is looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often it is looked whether all parts are ready, which costs nothing.
const LOOK_AT_PARTS_EVERY: Duration = Duration::from_millis(20);
/// How often a start that takes long is spoken of.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// How long looking may take until the database counts as not answering.
const PATIENCE: Duration = Duration::from_secs(5);
/// How old the oldest event may be that a read model, or the to-do list, lacks.
const MAX_LAG: Duration = Duration::from_secs(30);

/// What a process depends on.
pub(crate) struct Parts {
    /// The owner's connections.
    pub(crate) pool: PgPool,
    /// What follows events in this process: read models, and the to-do list.
    pub(crate) consumers: Vec<Arc<dyn Consumer>>,
    /// The relay, when it is in this process.
    pub(crate) relay: Option<Relay>,
}

/// The relay of this process.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) health: Arc<RelayHealth>,
    pub(crate) publishing: Publishing,
    pub(crate) standby: Standby,
}

/// Whether events go to Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publishing {
    /// They do.
    Kafka,
    /// They stay in the log.
    Nowhere,
}

/// Whether other processes may do the relay's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standby {
    /// They may; to stand by is all that is asked of this one.
    IsReady,
    /// There are none: this one must do it.
    IsNotReady,
}

/// The answer to `/readyz`, as of the last look.
pub(crate) struct Ready {
    parts: Parts,
    database: Mutex<Vec<Part>>,
    /// That the database is newer than the program was told.
    told_of_newer: Once,
}

impl Ready {
    /// Nothing was looked at yet.
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let not_yet = part("postgres", Err("it was not asked yet".to_owned()));
        Arc::new(Self {
            parts,
            database: Mutex::new(vec![not_yet]),
            told_of_newer: Once::new(),
        })
    }

    /// Looks at the database again and again until `stop`.
    pub(crate) async fn watch(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            let found = match tokio::time::timeout(PATIENCE, self.look()).await {
                Ok(found) => found,
                Err(_) => {
                    let silent = format!("it did not answer within {} s", PATIENCE.as_secs());
                    vec![part("postgres", Err(silent))]
                }
            };
            *self.database.lock().expect("no holder panics") = found;
            if stop
                .run_until_cancelled(tokio::time::sleep(POLL_INTERVAL))
                .await
                .is_none()
            {
                return Ok(());
            }
        }
    }

    /// Returns when every part is ready; meanwhile says now and then which is not.
    pub(crate) async fn wait(&self) {
        let mut said = Instant::now();
        while let Some((name, why)) = self.first_not_ready() {
            if said.elapsed() > SAY_EVERY {
                tracing::warn!(part = name, why, "not everything serves yet");
                said = Instant::now();
            }
            tokio::time::sleep(LOOK_AT_PARTS_EVERY).await;
        }
    }

    fn first_not_ready(&self) -> Option<(&'static str, String)> {
        self.parts().into_iter().find_map(|part| match part.state {
            PartState::Ready | PartState::Idle(_) => None,
            PartState::NotReady(why) => Some((part.name, why)),
        })
    }

    async fn look(&self) -> Vec<Part> {
        if let Err(error) = sqlx::query("select 1").execute(&self.parts.pool).await {
            return vec![part(
                "postgres",
                Err(format!("it does not answer: {error}")),
            )];
        }
        let schema = schema::migrate::check(&self.parts.pool).await;
        if let Err(newer @ SchemaError::Newer { .. }) = &schema {
            self.told_of_newer.call_once(|| {
                tracing::warn!(
                    found = %newer,
                    "this process goes on, but it could not be started again"
                );
            });
        }
        let mut found = vec![part("postgres", Ok(())), part("schema", of_schema(schema))];
        match status::of(&self.parts.pool, &status::each(&self.parts.consumers)).await {
            Ok(statuses) => {
                statuses.iter().for_each(measure);
                found.extend(statuses.iter().map(of_consumer));
            }
            Err(error) => found.push(part("consumers", Err(error.to_string()))),
        }
        found
    }
}

impl Readiness for Ready {
    fn parts(&self) -> Vec<Part> {
        let mut parts = self.database.lock().expect("no holder panics").clone();
        if let Some(relay) = &self.parts.relay {
            let now = relay.health.snapshot();
            parts.push(Part {
                name: "sequencer",
                state: of_role(&now.sequencer.state, relay.standby),
            });
            if relay.publishing == Publishing::Kafka {
                parts.push(Part {
                    name: "kafka",
                    state: of_role(&now.publisher.state, relay.standby),
                });
            }
        }
        parts
    }
}

fn measure(status: &ConsumerStatus) {
    let gauge = |name| metrics::gauge!(name, "projection" => status.name);
    gauge("clustergenie_projection_lag_events").set(status.lag_events as f64);
    gauge("clustergenie_projection_lag_seconds").set(status.lag.as_secs_f64());
    gauge("clustergenie_projection_parked_streams").set(status.parked_streams as f64);
    let paused = matches!(status.state, status::State::Paused { .. });
    gauge("clustergenie_projection_paused").set(f64::from(u8::from(paused)));
    // Nothing is left to be made where nothing is being made.
    let share = status.building.as_ref().map_or(1.0, |making| making.share);
    gauge("clustergenie_projection_building_share").set(share);
}

fn of_consumer(status: &ConsumerStatus) -> Part {
    let state = match &status.state {
        status::State::Paused { by, reason, .. } => {
            PartState::Idle(format!("{by} has paused it: {reason}"))
        }
        status::State::OtherVersion { wanted } => PartState::NotReady(format!(
            "version {} of it serves, and this program makes version {wanted}: it follows nothing until that \
             one serves",
            status.version
        )),
        status::State::Following if status.lag > MAX_LAG => PartState::NotReady(format!(
            "it is {} events and {} s behind the log",
            status.lag_events,
            status.lag.as_secs()
        )),
        status::State::Following => PartState::Ready,
    };
    Part {
        name: status.name,
        state,
    }
}

/// A database that is newer than the program is refused at the start only: an upgrade begins with the
/// migration, and those who run must serve until they are replaced.
fn of_schema(checked: Result<(), SchemaError>) -> Result<(), String> {
    match checked {
        Ok(()) | Err(SchemaError::Newer { .. }) => Ok(()),
        Err(
            error @ (SchemaError::Older { .. }
            | SchemaError::Altered { .. }
            | SchemaError::Failed(_)),
        ) => Err(error.to_string()),
    }
}

fn of_role(state: &State, standby: Standby) -> PartState {
    match state {
        State::Leading => PartState::Ready,
        State::Standby if standby == Standby::IsReady => {
            PartState::Idle("it stands by: another process leads".to_owned())
        }
        State::Standby => {
            PartState::NotReady("another process, which may have ended, still leads".to_owned())
        }
        State::Starting => PartState::NotReady("it has not begun yet".to_owned()),
        State::Failing { why } => PartState::NotReady(why.clone()),
    }
}

fn part(name: &'static str, state: Result<(), String>) -> Part {
    let state = match state {
        Ok(()) => PartState::Ready,
        Err(reason) => PartState::NotReady(reason),
    };
    Part { name, state }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_stand_by_is_enough_only_beside_others() {
        let told = of_role(&State::Standby, Standby::IsReady);
        assert!(matches!(told, PartState::Idle(_)), "{told:?}");
        let told = of_role(&State::Standby, Standby::IsNotReady);
        assert!(matches!(told, PartState::NotReady(_)), "{told:?}");
        assert_eq!(
            of_role(&State::Leading, Standby::IsNotReady),
            PartState::Ready
        );
        let failing = State::Failing {
            why: "Kafka does not answer".to_owned(),
        };
        assert_eq!(
            of_role(&failing, Standby::IsReady),
            PartState::NotReady("Kafka does not answer".to_owned())
        );
    }

    #[test]
    fn a_migration_by_a_newer_program_takes_nobody_out() {
        assert_eq!(of_schema(Ok(())), Ok(()));
        assert_eq!(of_schema(Err(SchemaError::Newer { version: 7 })), Ok(()));
        assert!(of_schema(Err(SchemaError::Older { version: 7 })).is_err());
        assert!(of_schema(Err(SchemaError::Altered { version: 7 })).is_err());
    }

    fn status(state: status::State, lag: Duration) -> ConsumerStatus {
        ConsumerStatus {
            name: "droplets",
            generation: 1,
            version: 1,
            state,
            position: event_store::envelope::Position(7),
            lag_events: 5,
            lag,
            parked_streams: 0,
            skipped_streams: 0,
            building: None,
            failed: None,
        }
    }

    #[test]
    fn a_read_model_is_ready_while_it_is_merely_busy() {
        let state = |lag| of_consumer(&status(status::State::Following, lag)).state;
        assert_eq!(state(MAX_LAG), PartState::Ready);
        assert_eq!(
            state(Duration::from_secs(61)),
            PartState::NotReady("it is 5 events and 61 s behind the log".to_owned())
        );
    }

    #[test]
    fn a_paused_read_model_is_told_of_and_one_of_another_version_is_waited_for() {
        let paused = status::State::Paused {
            by: "ann".to_owned(),
            reason: "the disk is full".to_owned(),
            since: chrono::DateTime::UNIX_EPOCH,
        };
        let told = PartState::Idle("ann has paused it: the disk is full".to_owned());
        let long = Duration::from_secs(3600);
        assert_eq!(of_consumer(&status(paused, long)).state, told);
        let other = status::State::OtherVersion { wanted: 2 };
        let state = of_consumer(&status(other, Duration::ZERO)).state;
        assert!(matches!(state, PartState::NotReady(_)), "{state:?}");
    }
}
