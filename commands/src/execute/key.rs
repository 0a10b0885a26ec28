//! Idempotency keys: what is stored under the key of a command.

use event_store::envelope::RequestSource;
use event_store::write::idempotency::{Keyed, Repeated};
use serde_json::Value;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{CommandError, Rejected};
use crate::receipt::Receipt;
use crate::request;

/// An idempotency key and the first half of the hash of its request.
pub(super) struct Key {
    key: String,
    hash: [u8; 16],
}

impl Key {
    /// Returns the key of a command, if it has one.
    ///
    /// # Errors
    /// `INVALID_IDEMPOTENCY_KEY`.
    pub(super) fn of(
        context: &Context,
        name: &str,
        arguments: &Value,
    ) -> Result<Option<Self>, Rejected> {
        let key = context.stored_key()?;
        Ok(key.map(|key| {
            let whole = request::hash(&context.org, name, arguments);
            let hash = *whole.first_chunk().expect("32 bytes begin with 16");
            Self { key, hash }
        }))
    }

    /// Returns the key as it is stored.
    pub(super) fn stored(&self) -> &str {
        &self.key
    }

    /// Returns true if the first run under the key had the same request.
    pub(super) fn is_of(&self, first: &Repeated) -> bool {
        first.request_hash == self.hash
    }

    /// Returns the stored form of the key: with the request's hash and this answer.
    pub(super) fn keyed(&self, answer: &Answer) -> Keyed {
        Keyed {
            key: self.key.clone(),
            request_hash: self.hash,
            receipt: answer.to_text(),
        }
    }

    /// Returns the stored form for a command that writes no events. A refused client gets the same refusal under its
    /// key while the key is kept, so that a retry after a lost answer does nothing unexpected. A process manager decides
    /// again after a refusal, under the key of its step.
    pub(super) fn keyed_answer(
        &self,
        context: &Context,
        judged: &Result<Receipt, CommandError>,
    ) -> Option<Keyed> {
        match (judged, context.source) {
            (Ok(receipt), _) => Some(self.keyed(&Answer::Done(receipt.clone()))),
            (Err(CommandError::Rejected(rejected)), RequestSource::Api) => {
                let rejected = rejected.clone();
                Some(self.keyed(&Answer::Refused(rejected)))
            }
            (Err(_), _) => None,
        }
    }
}
