//! The answer to a command that carries an idempotency key, as it is stored: a receipt or a refusal.

use event_store::incarnation::IncarnationId;
use serde::{Deserialize, Serialize};

use crate::error::{CommandError, Rejected};
use crate::receipt::Receipt;

/// The answer to a command. A refusal is stored as an object of JSON, which no receipt is.
#[derive(Debug)]
pub(crate) enum Answer {
    Done(Receipt),
    Refused(Rejected),
}

/// A refusal, as it is stored.
#[derive(Serialize, Deserialize)]
struct Refusal {
    rejected: Rejected,
}

impl Answer {
    /// Returns the stored form.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Done(receipt) => receipt.to_text(),
            Self::Refused(rejected) => {
                let rejected = rejected.clone();
                serde_json::to_string(&Refusal { rejected }).expect("a refusal is made of texts")
            }
        }
    }

    /// Reads an answer that was found in this incarnation of the log.
    ///
    /// # Errors
    /// When it was written by a program whose form is unknown here.
    pub(crate) fn of_text(text: &str, incarnation: IncarnationId) -> serde_json::Result<Self> {
        if !text.starts_with('{') {
            return Receipt::of_text(text, incarnation).map(Self::Done);
        }
        let Refusal { rejected } = serde_json::from_str(text)?;
        Ok(Self::Refused(rejected))
    }

    pub(crate) fn into_result(self) -> Result<Receipt, CommandError> {
        match self {
            Self::Done(receipt) => Ok(receipt),
            Self::Refused(rejected) => Err(rejected.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_refusal_survives_storage_and_its_form_is_known() {
        let refused = Answer::Refused(Rejected {
            code: "NAME_TAKEN".into(),
            field: Some("name".into()),
            message: "another droplet has the name web-1".to_owned(),
        });
        let json = refused.to_text();
        // Stored refusals depend on this form.
        assert_eq!(
            json,
            r#"{"rejected":{"code":"NAME_TAKEN","field":"name","message":"another droplet has the name web-1"}}"#
        );
        let read = Answer::of_text(&json, IncarnationId(Uuid::nil()));
        let read = read.expect("it decodes").into_result();
        let Err(CommandError::Rejected(read)) = read else {
            panic!("it is a refusal");
        };
        assert_eq!(read.code, "NAME_TAKEN");
    }
}
