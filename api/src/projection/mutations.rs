//! Mutations about read models, for operators. None of them is a command: they write no events, so they
//! have no token, and are safe to repeat without a key.

use projections::operations::Operations;

use super::inputs::{
    GiveUpRebuildInput, PauseProjectionInput, RebuildProjectionInput, ResumeProjectionInput,
    RetryParkedStreamInput, SkipParkedStreamInput,
};
use super::payload::{ParkedStreamPayload, ProjectionPayload};
use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::global_id::GlobalId;
use crate::graph::guard::Need;
use crate::graph::input::Check;
use crate::graph::payload::UserError;
use crate::identity::roles::Right;

/// The maximum length of a reason, in characters.
const MAX_REASON: usize = 2_000;

/// Declares the mutations.
pub(crate) fn mutations<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    fields
        .mutation(
            "pauseProjection",
            "Pauses a read model for all organizations: queries show its current state until it \
             is resumed. Changes nothing if the read model is paused already.",
            pause_projection,
        )
        .needs(Need::OfOperators(Right::Operate));
    fields
        .mutation(
            "resumeProjection",
            "Resumes a read model. Changes nothing if the read model is not paused.",
            resume_projection,
        )
        .needs(Need::OfOperators(Right::Operate));
    fields
        .mutation(
            "rebuildProjection",
            "Rebuilds a read model from the history, beside the generation that serves. The new \
             generation replaces that one when it is complete. Queries continue meanwhile.",
            rebuild_projection,
        )
        .needs(Need::OfOperators(Right::Operate));
    fields
        .mutation(
            "giveUpRebuild",
            "Ends a rebuild and drops its generation. Changes nothing if no rebuild is running.",
            give_up_rebuild,
        )
        .needs(Need::OfOperators(Right::Operate));
    fields
        .mutation(
            "retryParkedStream",
            "Retries a resource of the organization that is parked in a read model. The retry \
             applies events from the event at fault up to the next event at fault.",
            retry_parked_stream,
        )
        .needs(Right::Operate);
    fields
        .mutation(
            "skipParkedStream",
            "Skips a resource of the organization that is parked in a read model. The resource \
             stays there in its current state, and its later events wait forever. The resource no \
             longer counts in `parkedStreams`.",
            skip_parked_stream,
        )
        .needs(Right::Operate);
}

async fn pause_projection(
    context: Context,
    input: PauseProjectionInput,
) -> Result<ProjectionPayload> {
    let (actor, reason) = match because(&context, input.reason)? {
        Ok(why) => why,
        Err(errors) => return Ok(ProjectionPayload::refused(errors)),
    };
    let operating = operating(&context);
    let paused = operating.pause(&input.projection, &actor, &reason).await;
    ProjectionPayload::of(operating, &input.projection, paused.map(drop)).await
}

async fn resume_projection(
    context: Context,
    input: ResumeProjectionInput,
) -> Result<ProjectionPayload> {
    let operating = operating(&context);
    let resumed = operating.resume(&input.projection).await;
    ProjectionPayload::of(operating, &input.projection, resumed.map(drop)).await
}

async fn rebuild_projection(
    context: Context,
    input: RebuildProjectionInput,
) -> Result<ProjectionPayload> {
    let (actor, reason) = match because(&context, input.reason)? {
        Ok(why) => why,
        Err(errors) => return Ok(ProjectionPayload::refused(errors)),
    };
    let operating = operating(&context);
    let asked = operating.rebuild(&input.projection, &actor, &reason).await;
    ProjectionPayload::of(operating, &input.projection, asked.map(drop)).await
}

async fn give_up_rebuild(context: Context, input: GiveUpRebuildInput) -> Result<ProjectionPayload> {
    let operating = operating(&context);
    let given_up = operating.give_up(&input.projection).await;
    ProjectionPayload::of(operating, &input.projection, given_up.map(drop)).await
}

async fn retry_parked_stream(
    context: Context,
    input: RetryParkedStreamInput,
) -> Result<ParkedStreamPayload> {
    let mut check = Check::begin(&context)?;
    let stream = check
        .any_id("resourceId", &input.resource_id)
        .map(GlobalId::uuid);
    let (about, stream) = match check.finish(None, stream) {
        Ok(checked) => checked,
        Err(errors) => return Ok(ParkedStreamPayload::refused(errors)),
    };
    let operating = operating(&context);
    let retried = operating
        .retry(&input.projection, stream, Some(&about.org))
        .await;
    ParkedStreamPayload::of(operating, &input.projection, retried).await
}

async fn skip_parked_stream(
    context: Context,
    input: SkipParkedStreamInput,
) -> Result<ProjectionPayload> {
    let mut check = Check::begin(&context)?;
    let stream = check
        .any_id("resourceId", &input.resource_id)
        .map(GlobalId::uuid);
    let reason = reason(&mut check, input.reason);
    let (about, (stream, reason)) = match check.finish(None, stream.zip(reason)) {
        Ok(checked) => checked,
        Err(errors) => return Ok(ProjectionPayload::refused(errors)),
    };
    let operating = operating(&context);
    let (name, org) = (&input.projection, Some(&about.org));
    let skipped = operating
        .skip(name, stream, org, &about.actor, &reason)
        .await;
    ProjectionPayload::of(operating, name, skipped).await
}

fn operating(context: &Context) -> &Operations {
    &context.services().operating
}

/// Returns the actor and the reason, or the errors of the reason.
fn because(
    context: &Context,
    why: String,
) -> Result<std::result::Result<(String, String), Vec<UserError>>> {
    let mut check = Check::begin(context)?;
    let reason = reason(&mut check, why);
    let checked = check.finish(None, reason);
    Ok(checked.map(|(about, reason)| (about.actor, reason)))
}

fn reason(check: &mut Check<'_>, reason: String) -> Option<String> {
    let usable = (1..=MAX_REASON).contains(&reason.trim().chars().count())
        && !reason.chars().any(|char| char.is_control() && char != '\n');
    let read = usable
        .then_some(reason)
        .ok_or_else(|| format!("write 1 to {MAX_REASON} printable characters"));
    check.value("reason", read)
}
