//! The fields that mutations return besides the written object: the consistency token and the errors.

use async_graphql::{Object, Result, SimpleObject};
use commands::error::CommandError;
use commands::receipt::Receipt;
use uuid::Uuid;

use crate::graph::error;

/// A reason for the rejection of a mutation, which the client can correct.
#[derive(SimpleObject, Debug)]
pub(crate) struct UserError {
    /// The path of the argument at fault, such as `["input", "name"]`. Null if the fault is not in one
    /// argument.
    pub(crate) field: Option<Vec<String>>,
    /// The description of the error and of its correction.
    pub(crate) message: String,
    /// The name of the broken rule, such as `NAME_TAKEN`. The name never changes.
    pub(crate) code: &'static str,
}

/// The outcome of a command: the part that the payloads of all commands share.
pub(crate) enum Outcome {
    /// The command was executed.
    Done(Receipt),
    /// The command was rejected, for these reasons.
    Refused(Vec<UserError>),
}

impl Outcome {
    /// Returns the outcome of a command.
    ///
    /// # Errors
    /// When the command was neither executed nor rejected.
    pub(crate) fn of(result: Result<Receipt, CommandError>) -> Result<Self> {
        match result {
            Ok(receipt) => Ok(Self::Done(receipt)),
            Err(error) => {
                let rejected = error::refused(error)?;
                Ok(Self::Refused(vec![UserError {
                    field: rejected.field.map(path),
                    message: rejected.message,
                    code: rejected.code,
                }]))
            }
        }
    }

    /// Returns the id of the written resource, or `None` if the command was rejected.
    pub(crate) fn subject(&self) -> Option<Uuid> {
        match self {
            Self::Done(receipt) => Some(receipt.subject().uuid),
            Self::Refused(_) => None,
        }
    }
}

#[Object]
impl Outcome {
    /// The token of this write. A later query that sends the token shows this write. Null if the mutation
    /// was rejected.
    async fn consistency_token(&self) -> Option<String> {
        match self {
            Self::Done(receipt) => Some(receipt.token().to_string()),
            Self::Refused(_) => None,
        }
    }

    /// The reasons for the rejection: every invalid argument at once, or else the first broken rule. Empty if
    /// the mutation was executed.
    async fn user_errors(&self) -> &[UserError] {
        match self {
            Self::Done(_) => &[],
            Self::Refused(errors) => errors,
        }
    }
}

/// Returns the path of a field of the input, which rules name like `addresses` or `address.ip`.
fn path(field: &str) -> Vec<String> {
    let names = ["input"].into_iter().chain(field.split('.'));
    names.map(str::to_owned).collect()
}
