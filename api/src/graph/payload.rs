//! What mutations answer besides the object that they wrote: the consistency token, and what was wrong.

use async_graphql::{Object, Result, SimpleObject};
use commands::error::CommandError;
use commands::receipt::Receipt;
use uuid::Uuid;

use crate::graph::error;

/// Why a mutation was refused: something that whoever sent it can put right.
#[derive(SimpleObject, Debug)]
pub(crate) struct UserError {
    /// The path of the argument at fault, such as `["input", "name"]`, if it is one argument's
    /// fault.
    pub(crate) field: Option<Vec<String>>,
    /// What is wrong and what to do about it.
    pub(crate) message: String,
    /// The name of the broken rule, such as `NAME_TAKEN`. Never changes.
    pub(crate) code: &'static str,
}

/// How a command went; the part that the payloads of all commands share.
pub(crate) enum Outcome {
    /// It was done.
    Done(Receipt),
    /// It was refused, for these reasons.
    Refused(Vec<UserError>),
}

impl Outcome {
    /// Answers a command.
    ///
    /// # Errors
    /// When it was neither done nor refused.
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

    /// The id of what was written, if something was.
    pub(crate) fn subject(&self) -> Option<Uuid> {
        match self {
            Self::Done(receipt) => Some(receipt.subject().uuid),
            Self::Refused(_) => None,
        }
    }
}

#[Object]
impl Outcome {
    /// Hand it in with a later query, which then shows this write. Null when the mutation was refused.
    async fn consistency_token(&self) -> Option<String> {
        match self {
            Self::Done(receipt) => Some(receipt.token().to_string()),
            Self::Refused(_) => None,
        }
    }

    /// Why the mutation was refused, everything at once; empty when it was done.
    async fn user_errors(&self) -> &[UserError] {
        match self {
            Self::Done(_) => &[],
            Self::Refused(errors) => errors,
        }
    }
}

/// The path of a field of the input, which rules name like `addresses` or `address.ip`.
fn path(field: &str) -> Vec<String> {
    let names = ["input"].into_iter().chain(field.split('.'));
    names.map(str::to_owned).collect()
}
