//! The context of a command: its sender, organization, origin and time, but not its arguments.

use chrono::{DateTime, SubsecRound, Utc};
use domain::ids::{CommandId, CorrelationId, EventId, OrgId};
use event_store::envelope::Metadata;
// Named by whoever sends commands; the API, for one, does not import the event store.
pub use event_store::envelope::RequestSource;

use crate::error::Rejected;

/// The most characters that an idempotency key may have.
pub const MAX_KEY_CHARS: usize = 255;

/// The context of a command. Its time and ids were made at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The organization of the caller: the command sees and changes nothing outside it.
    pub org: OrgId,
    /// The subject of the caller's token, or the name of the process manager.
    pub actor: String,
    /// The id of the credential that the command came with, such as the claim `jti` of a token.
    pub credential: Option<String>,
    /// The id that names this command.
    pub command_id: CommandId,
    /// The id that all commands and events of one outside request share.
    pub correlation_id: CorrelationId,
    /// The event that a process manager reacts to.
    pub causation_id: Option<EventId>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The origin of the request, which decides what it may do to things that the platform runs.
    pub source: RequestSource,
    /// The business time in UTC: the time of the change, as far as the caller knows.
    pub occurred_at: DateTime<Utc>,
    /// The key under which the command has one effect however often it is sent. A key has 1 to
    /// [`MAX_KEY_CHARS`] characters, none of them a control character. It is unique in the organization and
    /// for the source. The key is checked when the command is carried out.
    pub idempotency_key: Option<String>,
}

impl Context {
    /// Returns the metadata that is stored with every event of the command. Its time has microseconds, as Postgres
    /// has: otherwise an event and a row that it made would differ.
    pub(crate) fn metadata(&self) -> Metadata {
        Metadata {
            actor: self.actor.clone(),
            command_id: self.command_id,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            traceparent: self.traceparent.clone(),
            source: self.source,
            occurred_at: self.occurred_at.trunc_subsecs(6),
        }
    }

    /// Returns the idempotency key as it is stored. The source is part of the stored key, so that no client
    /// can use up a key that a process manager will need.
    ///
    /// # Errors
    /// `INVALID_IDEMPOTENCY_KEY`. A control character could not be stored, and would fail the other
    /// commands that are appended in the same statement.
    pub(crate) fn stored_key(&self) -> Result<Option<String>, Rejected> {
        let Some(key) = &self.idempotency_key else {
            return Ok(None);
        };
        let chars = key.chars().count();
        if !(1..=MAX_KEY_CHARS).contains(&chars) || key.chars().any(char::is_control) {
            return Err(Rejected {
                code: "INVALID_IDEMPOTENCY_KEY".into(),
                field: None,
                message: format!(
                    "the idempotency key must have 1 to {MAX_KEY_CHARS} printable characters: use \
                     for example a UUID"
                ),
            });
        }
        Ok(Some(format!("{}:{key}", self.source.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn with_key(source: RequestSource, key: &str) -> Context {
        Context {
            org: OrgId::parse("acme").expect("a good name"),
            actor: "ann".to_owned(),
            credential: None,
            command_id: CommandId::new(Uuid::nil()),
            correlation_id: CorrelationId::new(Uuid::nil()),
            causation_id: None,
            traceparent: None,
            source,
            occurred_at: DateTime::UNIX_EPOCH,
            idempotency_key: Some(key.to_owned()),
        }
    }

    #[test]
    fn a_client_cannot_use_up_the_key_of_a_process_manager() {
        let client = with_key(RequestSource::Api, "k").stored_key();
        let process = with_key(RequestSource::Process, "k").stored_key();
        assert_eq!(client, Ok(Some("api:k".to_owned())));
        assert_ne!(client, process);
    }

    #[test]
    fn stored_times_have_microseconds() {
        let mut context = with_key(RequestSource::Api, "k");
        context.occurred_at = DateTime::from_timestamp_nanos(1_234_567_899);
        let stored = context.metadata().occurred_at;
        assert_eq!(stored, DateTime::from_timestamp_nanos(1_234_567_000));
    }

    #[test]
    fn keys_that_cannot_be_stored_are_refused() {
        for bad in ["", "a\0b", "a\nb", &"ü".repeat(MAX_KEY_CHARS + 1)] {
            let refused = with_key(RequestSource::Api, bad).stored_key();
            assert_eq!(
                refused.expect_err("it is refused").code,
                "INVALID_IDEMPOTENCY_KEY"
            );
        }
        let longest = "ü".repeat(MAX_KEY_CHARS);
        assert!(with_key(RequestSource::Api, &longest).stored_key().is_ok());
    }
}
