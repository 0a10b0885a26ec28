//! The reasons why a command was not carried out.

use std::borrow::Cow;

use domain::decider;
use domain::unique_name::UniqueName;
use event_store::error::StoreError;
use event_store::write::append::Unstorable;
use event_store::write::group::AppendError;
use serde::{Deserialize, Serialize};

use crate::token::MAX_STREAMS;

/// The reason why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A rule forbids the command: the caller's fault. Nothing was written.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The idempotency key was used before, for another request. Nothing was written.
    #[error(
        "the idempotency key was used before for another request: send each request with a key of \
         its own"
    )]
    KeyReused,
    /// Other commands kept changing the same streams. Nothing was written; the command may be sent again.
    #[error("others kept changing the same thing at the same time: send the command again")]
    Conflict,
    /// The log is in another incarnation than the command was decided in, time after time. Nothing was written; the
    /// command may be sent again.
    #[error("the platform's database was exchanged meanwhile: send the command again")]
    OtherIncarnation,
    /// The event store failed: the command may or may not have been carried out. Sent again under its
    /// idempotency key, the command has one effect.
    #[error("the command was not confirmed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A rejection: a rule that the command breaks, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Rejected {
    /// The name of the broken rule, in `SCREAMING_SNAKE_CASE`. Clients match on the code, so it never
    /// changes.
    pub code: Cow<'static, str>,
    /// The GraphQL input field at fault, as a camelCase path. `None` if the rejection is not the fault of
    /// one field.
    pub field: Option<Cow<'static, str>>,
    /// The fault and its remedy, for people.
    pub message: String,
}

impl Rejected {
    /// Returns the rejection of an aggregate.
    pub(crate) fn by_rule(rejection: &impl decider::Rejection) -> Self {
        Self {
            code: rejection.code().into(),
            field: rejection.field().map(Into::into),
            message: rejection.to_string(),
        }
    }

    /// Returns the rejection of a command that would change more streams than a token can name.
    pub(crate) fn too_large(streams: usize) -> Self {
        Self {
            code: "COMMAND_TOO_LARGE".into(),
            field: None,
            message: format!(
                "the command would change {streams} things at once, and may change {MAX_STREAMS} at most: \
                 split it"
            ),
        }
    }

    /// Returns the rejection of a command whose events cannot be stored.
    pub(crate) fn unstorable(why: &Unstorable) -> Self {
        Self {
            code: "COMMAND_TOO_LARGE".into(),
            field: None,
            message: format!("{why}: send less at once"),
        }
    }

    /// Returns the rejection of a name that another stream holds.
    pub(crate) fn name_taken(name: &UniqueName) -> Self {
        let (scope, key) = (name.scope, &name.key);
        let thing = scope.holder.rsplit(' ').next().unwrap_or(scope.holder);
        Self {
            code: scope.code.into(),
            field: Some(scope.field.into()),
            message: format!(
                "another {} has the name {key}: choose another name, or delete that {thing} first",
                scope.holder
            ),
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OtherIncarnation => Self::OtherIncarnation,
            error => Self::Unavailable(error.into()),
        }
    }
}

impl From<AppendError> for CommandError {
    fn from(error: AppendError) -> Self {
        match error {
            // Sent again, the command would fail again.
            AppendError::Unstorable(unstorable) => Rejected::unstorable(&unstorable).into(),
            AppendError::Unconfirmed(_) | AppendError::Stopping => Self::Unavailable(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_command_that_can_never_be_stored_is_refused_and_not_to_be_sent_again() {
        let unstorable = Unstorable::TooLarge {
            event_type: "job_submitted",
            bytes: 70_000,
        };
        let error = CommandError::from(AppendError::Unstorable(Arc::new(unstorable)));
        let CommandError::Rejected(rejected) = error else {
            panic!("it is the caller's fault: {error}");
        };
        assert_eq!(rejected.code, "COMMAND_TOO_LARGE");
    }
}
