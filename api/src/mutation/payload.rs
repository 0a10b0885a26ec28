//! What mutations answer: the node, the token, and what was wrong.

use async_graphql::{Context, Object, Result, SimpleObject};
use commands::error::CommandError;
use commands::receipt::Receipt;
use domain::ids::{DropletId, JobId};
use projections::droplets::Droplets;
use projections::jobs::Jobs;
use uuid::Uuid;

use crate::error;
use crate::request::RequestInfo;
use crate::services::Services;
use crate::types::droplet::Droplet;
use crate::types::job::Job;

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

/// How a mutation about droplets went.
pub(crate) struct DropletPayload(Outcome);

/// How a mutation about jobs went.
pub(crate) struct JobPayload(Outcome);

enum Outcome {
    Done(Receipt),
    Refused(Vec<UserError>),
}

impl DropletPayload {
    /// Refuses an input.
    pub(crate) fn refused(errors: Vec<UserError>) -> Self {
        Self(Outcome::Refused(errors))
    }

    /// Answers a command.
    pub(crate) fn of(result: Result<Receipt, CommandError>) -> Result<Self> {
        Outcome::of(result).map(Self)
    }
}

/// How a mutation about a droplet went.
#[Object]
impl DropletPayload {
    /// The droplet as this mutation, or a later one, left it: it always shows the write. Null when
    /// the mutation was refused.
    async fn droplet(&self, context: &Context<'_>) -> Result<Option<Droplet>> {
        let Some(id) = self.0.subject() else {
            return Ok(None);
        };
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let row = reader
            .live_state::<Droplets>(org, DropletId::new(id).into())
            .await;
        Ok(row.map_err(error::read_failed)?.map(Droplet::from))
    }

    /// The consistency token: with it, a later query sees this write. Null when the mutation was
    /// refused.
    async fn token(&self) -> Option<String> {
        self.0.token()
    }

    /// Why the mutation was refused, everything at once; empty when it was done.
    async fn user_errors(&self) -> &[UserError] {
        self.0.errors()
    }
}

impl JobPayload {
    /// Refuses an input.
    pub(crate) fn refused(errors: Vec<UserError>) -> Self {
        Self(Outcome::Refused(errors))
    }

    /// Answers a command.
    pub(crate) fn of(result: Result<Receipt, CommandError>) -> Result<Self> {
        Outcome::of(result).map(Self)
    }
}

/// How a mutation about a job went.
#[Object]
impl JobPayload {
    /// The job as this mutation, or a later one, left it: it always shows the write. Null when the
    /// mutation was refused.
    async fn job(&self, context: &Context<'_>) -> Result<Option<Job>> {
        let Some(id) = self.0.subject() else {
            return Ok(None);
        };
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let row = reader.live_state::<Jobs>(org, JobId::new(id).into()).await;
        Ok(row.map_err(error::read_failed)?.map(Job::from))
    }

    /// The consistency token: with it, a later query sees this write. Null when the mutation was
    /// refused.
    async fn token(&self) -> Option<String> {
        self.0.token()
    }

    /// Why the mutation was refused, everything at once; empty when it was done.
    async fn user_errors(&self) -> &[UserError] {
        self.0.errors()
    }
}

impl Outcome {
    fn of(result: Result<Receipt, CommandError>) -> Result<Self> {
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

    /// The id of what was written.
    fn subject(&self) -> Option<Uuid> {
        match self {
            Self::Done(receipt) => Some(receipt.subject().uuid),
            Self::Refused(_) => None,
        }
    }

    fn token(&self) -> Option<String> {
        match self {
            Self::Done(receipt) => Some(receipt.token().to_string()),
            Self::Refused(_) => None,
        }
    }

    fn errors(&self) -> &[UserError] {
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
