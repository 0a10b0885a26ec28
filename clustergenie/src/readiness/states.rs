//! The rules of readiness for each kind of part.
//!
//! A consumer is ready while its oldest missing event is younger than `MAX_LAG`, since it is only busy. A
//! paused consumer counts as ready, because restarting the process would not help. A consumer whose tables
//! another version built is not ready: a rolling upgrade waits for its rebuild. A consumer that has parked
//! streams is ready, and says how many: all other streams are up to date.
//!
//! Everyone may read the reasons, without a token. So they hold no text that a person or the database wrote.

use std::time::Duration;

use api::graph::readiness::PartState;
use outbox_relay::health::State;
use projections::status::{self, ConsumerStatus};
use schema::migrate::SchemaError;

use super::Standby;

/// Age of the oldest missing event from which a consumer is not ready.
const MAX_LAG: Duration = Duration::from_secs(30);

/// Reason of a database that cannot be asked. The error can name hosts, logins and files, so it is only logged.
pub(super) const NO_ANSWER: &str = "no answer: the log of the process has the reason";

/// Readiness of a consumer of events.
pub(super) fn consumer(status: &ConsumerStatus) -> PartState {
    match &status.state {
        status::State::Paused { .. } => {
            PartState::Idle("paused: `clustergenie projections` tells by whom and why".to_owned())
        }
        status::State::OtherVersion { wanted } => PartState::NotReady(format!(
            "version {} serves, this program has version {wanted}: it applies no events until a rebuild \
             has finished",
            status.version
        )),
        status::State::Following if status.lag > MAX_LAG => PartState::NotReady(format!(
            "{} events and {} s behind the log",
            status.lag_events,
            status.lag.as_secs()
        )),
        status::State::Following if status.parked_streams > 0 => PartState::Idle(format!(
            "parked streams: {}; see `clustergenie projections parked`",
            status.parked_streams
        )),
        status::State::Following => PartState::Ready,
    }
}

/// Readiness of the archive of backups. A restart would not help, and clients are served all the same.
pub(super) fn backup(failing: Option<Duration>) -> PartState {
    match failing {
        None => PartState::Ready,
        Some(since) => PartState::Idle(format!(
            "nothing was archived for {} s, because it fails: postgres.log tells why",
            since.as_secs()
        )),
    }
}

/// Readiness of the database schema. A newer database does not stop a running process: an upgrade begins with
/// the migration, and the old processes serve until they are replaced.
pub(super) fn schema(checked: Result<(), SchemaError>) -> Result<(), String> {
    match checked {
        Ok(()) | Err(SchemaError::Newer { .. }) => Ok(()),
        Err(
            error @ (SchemaError::Older { .. }
            | SchemaError::Altered { .. }
            | SchemaError::NeedsRights { .. }
            | SchemaError::NotOwner { .. }
            | SchemaError::LacksRights { .. }
            | SchemaError::Unreadable(_)
            | SchemaError::Failed(_)),
        ) => Err(error.to_string()),
    }
}

/// Readiness of a role that has one leader at a time.
pub(super) fn role(state: &State, standby: Standby) -> PartState {
    match state {
        State::Leading => PartState::Ready,
        State::Standby if standby == Standby::IsReady => {
            PartState::Idle("standby: another process leads".to_owned())
        }
        State::Standby => PartState::NotReady(
            "another process still holds the lease; it may have ended".to_owned(),
        ),
        State::Starting => PartState::NotReady("not started yet".to_owned()),
        State::Failing { why } => PartState::NotReady(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standby_is_ready_only_beside_others() {
        let beside_others = role(&State::Standby, Standby::IsReady);
        assert!(
            matches!(beside_others, PartState::Idle(_)),
            "{beside_others:?}"
        );
        let alone = role(&State::Standby, Standby::IsNotReady);
        assert!(matches!(alone, PartState::NotReady(_)), "{alone:?}");
        assert_eq!(role(&State::Leading, Standby::IsNotReady), PartState::Ready);
        let failing = State::Failing {
            why: "Kafka does not answer".to_owned(),
        };
        assert_eq!(
            role(&failing, Standby::IsReady),
            PartState::NotReady("Kafka does not answer".to_owned())
        );
    }

    #[test]
    fn a_migration_by_a_newer_program_leaves_running_processes_ready() {
        assert_eq!(schema(Ok(())), Ok(()));
        assert_eq!(schema(Err(SchemaError::Newer { version: 7 })), Ok(()));
        assert!(schema(Err(SchemaError::Older { version: 7 })).is_err());
        assert!(schema(Err(SchemaError::Altered { version: 7 })).is_err());
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
        let state = |lag| consumer(&status(status::State::Following, lag));
        assert_eq!(state(MAX_LAG), PartState::Ready);
        let parked = ConsumerStatus {
            parked_streams: 2,
            ..status(status::State::Following, MAX_LAG)
        };
        assert_eq!(
            consumer(&parked),
            PartState::Idle("parked streams: 2; see `clustergenie projections parked`".to_owned())
        );
        assert_eq!(
            state(Duration::from_secs(61)),
            PartState::NotReady("5 events and 61 s behind the log".to_owned())
        );
    }

    #[test]
    fn a_paused_read_model_is_ready_and_one_of_another_version_is_not() {
        let paused = status::State::Paused {
            by: "ann".to_owned(),
            reason: "the disk is full".to_owned(),
            since: chrono::DateTime::UNIX_EPOCH,
        };
        let long = Duration::from_secs(3600);
        assert_eq!(
            consumer(&status(paused, long)),
            PartState::Idle("paused: `clustergenie projections` tells by whom and why".to_owned())
        );
        let other = status::State::OtherVersion { wanted: 2 };
        let state = consumer(&status(other, Duration::ZERO));
        assert!(matches!(state, PartState::NotReady(_)), "{state:?}");
    }
}
