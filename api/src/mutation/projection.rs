//! Mutations about read models, for operators. None of them is a command: they write no events, so they
//! have no token, and are safe to repeat without a key.

use async_graphql::{Context, Error, ID, Object, Result, SimpleObject};
use projections::operations::{OperateError, Operations};
use projections::rebuild::RequestError;
use uuid::Uuid;

use super::check::Check;
use super::payload::UserError;
use super::projection_inputs::{
    GiveUpRebuildInput, PauseProjectionInput, RebuildProjectionInput, ResumeProjectionInput,
    RetryParkedStreamInput, SkipParkedStreamInput,
};
use crate::error;
use crate::global_id::GlobalId;
use crate::roles::{Needs, OfOperators, Right};
use crate::services::Services;
use crate::types::projection::Projection;

/// The longest reason, in characters.
const MAX_REASON: usize = 2_000;

#[derive(Default)]
pub(super) struct ProjectionMutations;

/// Mutations about read models.
#[Object]
impl ProjectionMutations {
    /// Makes a read model stand still, for all organizations: queries show it as it is now. If it is paused
    /// already, nothing changes.
    #[graphql(guard = "Needs(Right::Operate).and(OfOperators)")]
    async fn pause_projection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, and why.")] input: PauseProjectionInput,
    ) -> Result<ProjectionPayload> {
        let (actor, reason) = match because(context, input.reason)? {
            Ok(why) => why,
            Err(errors) => return Ok(ProjectionPayload::refused(errors)),
        };
        let operating = operating(context)?;
        let paused = operating.pause(&input.projection, &actor, &reason).await;
        ProjectionPayload::of(operating, &input.projection, paused.map(drop)).await
    }

    /// Lets a read model go on. If it is not paused, nothing changes.
    #[graphql(guard = "Needs(Right::Operate).and(OfOperators)")]
    async fn resume_projection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: ResumeProjectionInput,
    ) -> Result<ProjectionPayload> {
        let operating = operating(context)?;
        let resumed = operating.resume(&input.projection).await;
        ProjectionPayload::of(operating, &input.projection, resumed.map(drop)).await
    }

    /// Has a read model made anew from the history, beside the one that serves, whose place it takes when it is
    /// complete. Meanwhile queries go on.
    #[graphql(guard = "Needs(Right::Operate).and(OfOperators)")]
    async fn rebuild_projection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, and why.")] input: RebuildProjectionInput,
    ) -> Result<ProjectionPayload> {
        let (actor, reason) = match because(context, input.reason)? {
            Ok(why) => why,
            Err(errors) => return Ok(ProjectionPayload::refused(errors)),
        };
        let operating = operating(context)?;
        let asked = operating.rebuild(&input.projection, &actor, &reason).await;
        ProjectionPayload::of(operating, &input.projection, asked.map(drop)).await
    }

    /// Ends a rebuild: what was made so far is dropped. If none is going on, nothing changes.
    #[graphql(guard = "Needs(Right::Operate).and(OfOperators)")]
    async fn give_up_rebuild(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which one.")] input: GiveUpRebuildInput,
    ) -> Result<ProjectionPayload> {
        let operating = operating(context)?;
        let given_up = operating.give_up(&input.projection).await;
        ProjectionPayload::of(operating, &input.projection, given_up.map(drop)).await
    }

    /// Tries a droplet or a job of the organization again that is parked in a read model: from its event at
    /// fault on, up to the next one at fault.
    #[graphql(guard = "Needs(Right::Operate)")]
    async fn retry_parked_stream(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which droplet or job, and in which read model.")]
        input: RetryParkedStreamInput,
    ) -> Result<ParkedStreamPayload> {
        let mut check = Check::begin(context)?;
        let stream = stream(&mut check, &input.id);
        let about = match check.finish(None) {
            Ok(about) => about,
            Err(errors) => return Ok(ParkedStreamPayload::refused(errors)),
        };
        let stream = stream.expect("what is wrong with an input is noted as an error");
        let operating = operating(context)?;
        let retried = operating
            .retry(&input.projection, stream, Some(&about.org))
            .await;
        match retried {
            Ok(retried) => Ok(ParkedStreamPayload {
                projection: Some(projection(operating, &input.projection).await?),
                applied: Some(count(retried.applied)),
                parked: Some(count(retried.parked)),
                user_errors: Vec::new(),
            }),
            Err(error) => Ok(ParkedStreamPayload::refused(vec![refusal(error)?])),
        }
    }

    /// Gives a droplet or a job of the organization up that is parked in a read model: there it stays as it is,
    /// its later events wait for ever, and nobody is troubled with it any more.
    #[graphql(guard = "Needs(Right::Operate)")]
    async fn skip_parked_stream(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which droplet or job, in which read model, and why.")]
        input: SkipParkedStreamInput,
    ) -> Result<ProjectionPayload> {
        let mut check = Check::begin(context)?;
        let stream = stream(&mut check, &input.id);
        let reason = reason(&mut check, input.reason);
        let about = match check.finish(None) {
            Ok(about) => about,
            Err(errors) => return Ok(ProjectionPayload::refused(errors)),
        };
        let (stream, reason) = stream
            .zip(reason)
            .expect("what is wrong with an input is noted as an error");
        let operating = operating(context)?;
        let (name, org) = (&input.projection, Some(&about.org));
        let skipped = operating
            .skip(name, stream, org, &about.actor, &reason)
            .await;
        ProjectionPayload::of(operating, name, skipped).await
    }
}

/// How a mutation about a read model went.
#[derive(SimpleObject)]
struct ProjectionPayload {
    /// The read model as it is now. Null when the mutation was refused.
    projection: Option<Projection>,
    /// Why the mutation was refused; empty when it was done.
    user_errors: Vec<UserError>,
}

/// How it went to try a parked droplet or job again.
#[derive(SimpleObject)]
struct ParkedStreamPayload {
    /// The read model as it is now. Null when the mutation was refused.
    projection: Option<Projection>,
    /// How many events were taken in. Null when the mutation was refused.
    applied: Option<i32>,
    /// How many are still parked: the one at fault, and those that wait behind it. Null when the mutation was
    /// refused.
    parked: Option<i32>,
    /// Why the mutation was refused; empty when it was done.
    user_errors: Vec<UserError>,
}

impl ProjectionPayload {
    fn refused(user_errors: Vec<UserError>) -> Self {
        Self {
            projection: None,
            user_errors,
        }
    }

    async fn of(
        operating: &Operations,
        name: &str,
        result: Result<(), OperateError>,
    ) -> Result<Self> {
        match result {
            Ok(()) => Ok(Self {
                projection: Some(projection(operating, name).await?),
                user_errors: Vec::new(),
            }),
            Err(error) => Ok(Self::refused(vec![refusal(error)?])),
        }
    }
}

impl ParkedStreamPayload {
    fn refused(user_errors: Vec<UserError>) -> Self {
        Self {
            projection: None,
            applied: None,
            parked: None,
            user_errors,
        }
    }
}

fn operating<'request>(context: &Context<'request>) -> Result<&'request Operations> {
    Ok(&context.data::<Services>()?.operating)
}

/// The read model as it is now.
async fn projection(operating: &Operations, name: &str) -> Result<Projection> {
    let status = operating.status(name).await;
    let status = status.map_err(|failed| error::unavailable(&failed))?;
    Ok(Projection(status))
}

/// What whoever asked can put right; everything else fails the request.
fn refusal(error: OperateError) -> Result<UserError, Error> {
    let (field, code) = match &error {
        OperateError::Unknown { .. } | OperateError::NoReadModel { .. } => {
            ("projection", "PROJECTION_NOT_FOUND")
        }
        OperateError::NotParked { .. } => ("id", "STREAM_NOT_PARKED"),
        OperateError::Rebuild(RequestError::InTheMaking { .. }) => {
            ("projection", "REBUILD_IN_THE_MAKING")
        }
        OperateError::Rebuild(_) | OperateError::Store(_) => {
            return Err(error::unavailable(&error));
        }
    };
    Ok(UserError {
        field: Some(["input", field].map(str::to_owned).to_vec()),
        message: error.to_string(),
        code,
    })
}

/// Who asks, and why; or what is wrong with the reason.
fn because(
    context: &Context<'_>,
    why: String,
) -> Result<std::result::Result<(String, String), Vec<UserError>>> {
    let mut check = Check::begin(context)?;
    let reason = reason(&mut check, why);
    Ok(check.finish(None).map(|about| {
        let reason = reason.expect("what is wrong with an input is noted as an error");
        (about.actor.to_string(), reason)
    }))
}

fn reason(check: &mut Check<'_>, reason: String) -> Option<String> {
    let usable = (1..=MAX_REASON).contains(&reason.trim().chars().count())
        && !reason.chars().any(|char| char.is_control() && char != '\n');
    let read = usable
        .then_some(reason)
        .ok_or_else(|| format!("write 1 to {MAX_REASON} printable characters"));
    check.value("reason", read)
}

fn stream(check: &mut Check<'_>, id: &ID) -> Option<Uuid> {
    match GlobalId::parse(id) {
        Ok(GlobalId::Droplet(id)) => Some(id.as_uuid()),
        Ok(GlobalId::Job(id)) => Some(id.as_uuid()),
        Err(error) => {
            check.refuse(&["id"], "INVALID_ID", error.to_string());
            None
        }
    }
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
