//! The results of mutations: the written resource, the consistency token and the errors.

use std::borrow::Cow;
use std::marker::PhantomData;

use commands::error::CommandError;
use commands::receipt::Receipt;
use uuid::Uuid;

use crate::graph::error::{self, Result};
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::resource::Resource;
use crate::graph::user_error_code::{self, UserErrorCode};

/// A reason for the rejection of a mutation, which the client can correct.
#[derive(Debug, Clone)]
pub(crate) struct UserError {
    pub(crate) field: Option<Vec<String>>,
    pub(crate) message: String,
    pub(crate) code: &'static str,
}

impl Object for UserError {
    const NAME: &'static str = "UserError";
    const DESCRIPTION: &'static str =
        "A reason for the rejection of a mutation, which the client can correct.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "field",
            "The path of the argument at fault, such as `[\"input\", \"name\"]`. Null if the fault is not \
             in one argument.",
            |error| error.field.clone(),
        );
        fields.text(
            "message",
            "The description of the error and of its correction.",
            |error| &error.message,
        );
        fields.value("code", "The broken rule.", |error| {
            UserErrorCode(error.code)
        });
    }
}

/// The outcome of a command.
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
    pub(crate) fn of(result: std::result::Result<Receipt, CommandError>) -> Result<Self> {
        match result {
            Ok(receipt) => Ok(Self::Done(receipt)),
            Err(error) => {
                let rejected = error::refused(error)?;
                Ok(Self::Refused(vec![UserError {
                    field: rejected.field.as_deref().map(path),
                    message: rejected.message,
                    code: user_error_code::known(&rejected.code)?,
                }]))
            }
        }
    }
}

/// The result of a mutation about a resource. Null as a whole if the mutation failed.
pub(crate) struct Payload<R> {
    outcome: Outcome,
    resource: PhantomData<fn() -> R>,
}

impl<R> From<Outcome> for Payload<R> {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            resource: PhantomData,
        }
    }
}

impl<R: Resource> Object for Payload<R> {
    fn name() -> Cow<'static, str> {
        format!("{}Payload", R::NAME).into()
    }

    fn description() -> Cow<'static, str> {
        format!("The result of a mutation about a {}.", R::NOUN).into()
    }

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.load(
            R::NOUN,
            "The resource after this mutation or a later one, which always includes the write. Null if the \
             mutation was rejected.",
            |payload| match &payload.outcome {
                Outcome::Done(receipt) => Some(receipt.subject().uuid),
                Outcome::Refused(_) => None,
            },
            written::<R>,
        );
        fields.value(
            "consistencyToken",
            "The token of this write. A later query that sends the token shows this write. Null if the \
             mutation was rejected.",
            |payload| match &payload.outcome {
                Outcome::Done(receipt) => Some(receipt.token().to_string()),
                Outcome::Refused(_) => None,
            },
        );
        fields.list(
            "userErrors",
            "The reasons for the rejection: every argument of a wrong form at once, or else the first broken rule. \
             Empty if the mutation was executed.",
            |payload, each| {
                if let Outcome::Refused(errors) = &payload.outcome {
                    errors.iter().for_each(each);
                }
            },
        );
    }
}

/// Returns the resources that mutations wrote, as of their last committed events.
async fn written<R: Resource>(
    context: Context,
    (): (),
    ids: Vec<Option<Uuid>>,
) -> Result<Vec<Option<R>>> {
    let org = &context.request()?.principal.org;
    let mut written = Vec::with_capacity(ids.len());
    for id in ids {
        written.push(match id {
            Some(id) => {
                let stream = R::Id::from(id).into();
                let row = context
                    .services()
                    .reader
                    .live_state::<R::Model>(org, stream);
                row.await.map_err(error::read_failed)?
            }
            None => None,
        });
    }
    Ok(written)
}

/// Returns the path of a field of the input, which rules name like `addresses` or `address.ip`.
fn path(field: &str) -> Vec<String> {
    let names = ["input"].into_iter().chain(field.split('.'));
    names.map(str::to_owned).collect()
}
