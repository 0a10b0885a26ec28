//! The answer to a command that carries an idempotency key, as it is stored: a receipt or a refusal.

use serde::{Deserialize, Serialize};

use crate::error::{CommandError, Rejected};
use crate::receipt::Receipt;

/// The answer to a command. A receipt is stored as a list, a refusal as an object.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Done(Receipt),
    Refused { rejected: Rejected },
}

impl Answer {
    /// Returns the stored form.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an answer is made of texts and numbers")
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When it was written by a program whose form is unknown here.
    pub(crate) fn parse(stored: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(stored)
    }

    pub(crate) fn into_result(self) -> Result<Receipt, CommandError> {
        match self {
            Self::Done(receipt) => Ok(receipt),
            Self::Refused { rejected } => Err(rejected.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_storage_and_its_form_is_known() {
        let refused = Answer::Refused {
            rejected: Rejected {
                code: "NAME_TAKEN".into(),
                field: Some("name".into()),
                message: "another droplet has the name web-1".to_owned(),
            },
        };
        let json = refused.to_json();
        // Stored refusals depend on this form.
        assert_eq!(
            json,
            r#"{"rejected":{"code":"NAME_TAKEN","field":"name","message":"another droplet has the name web-1"}}"#
        );
        let read = Answer::parse(&json).expect("it decodes").into_result();
        let Err(CommandError::Rejected(read)) = read else {
            panic!("it is a refusal");
        };
        assert_eq!(read.code, "NAME_TAKEN");
    }
}
