//! `clustergenie unpublished`: what operators see of events that Kafka refused for good, and do about them.
//!
//! Results go to standard output, and nothing else does. What is asked for is a mark in the database: the
//! relay that leads takes it in by itself.

use std::fmt::Write as _;

use anyhow::{Context, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::event::StreamType;
use event_store::envelope::StreamId;
use event_store::pool::{self, Purpose};
use event_store::unpublished::{self, HeldStream, Skip, SkippedEvent};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::config::{Unpublished, UnpublishedAction};
use crate::output::CommandOutput;
use crate::projections::user;

/// What a list shows at most.
const MOST: i64 = 1_000;

/// Does it, and prints what came of it.
///
/// # Errors
/// When the database cannot be used, or there is nothing to retry or to skip.
pub(crate) async fn run(settings: Unpublished) -> anyhow::Result<()> {
    let url = settings.database.url()?;
    let pool = pool::connect(&url, Purpose::Maintenance, 1)
        .await
        .context("the database cannot be used: check --database-url (CLUSTERGENIE_DATABASE_URL)")?;
    schema::migrate::check(&pool).await?;
    let done = match settings.action.unwrap_or(UnpublishedAction::List) {
        UnpublishedAction::List => {
            let held = unpublished::list(&pool, MOST).await?;
            CommandOutput {
                text: lines(held.iter().map(held_text), "no stream is held back"),
                json: held.iter().map(held_json).collect(),
            }
        }
        UnpublishedAction::Skipped => {
            let skipped = unpublished::skipped(&pool, MOST).await?;
            CommandOutput {
                text: lines(skipped.iter().map(skipped_text), "no event was skipped"),
                json: skipped.iter().map(skipped_json).collect(),
            }
        }
        UnpublishedAction::Retry { stream } => retry(&pool, stream).await?,
        UnpublishedAction::Skip { stream, why } => {
            let by = settings.by.map_or_else(user::name, Ok)?;
            skip(&pool, stream, &by, &why.reason).await?
        }
    };
    done.print(settings.json)
}

async fn retry(pool: &PgPool, stream: Uuid) -> anyhow::Result<CommandOutput> {
    let Some(position) = unpublished::retry(pool, stream).await? else {
        bail!("{NOTHING_REFUSED} {stream}: see `clustergenie unpublished list`");
    };
    Ok(CommandOutput {
        text: format!(
            "the relay tries the event at position {position} again within a few seconds; \
             `clustergenie unpublished list` shows what came of it\n"
        ),
        json: json!({ "stream": stream, "position": position }),
    })
}

async fn skip(
    pool: &PgPool,
    stream: Uuid,
    by: &str,
    reason: &str,
) -> anyhow::Result<CommandOutput> {
    match unpublished::skip(pool, stream, by, reason).await? {
        Skip::Skipped(position) => Ok(CommandOutput {
            text: format!(
                "the event at position {position} is never published; those that wait behind it \
                 follow within a few seconds\n"
            ),
            json: json!({ "stream": stream, "position": position, "by": by, "reason": reason }),
        }),
        Skip::RetryUnderWay(position) => bail!(
            "the event at position {position} is being tried again, and may be in Kafka already: \
             see `clustergenie unpublished list` in a moment, and ask again if it is still refused"
        ),
        Skip::NothingRefused => {
            bail!("{NOTHING_REFUSED} {stream}: see `clustergenie unpublished list`")
        }
    }
}

const NOTHING_REFUSED: &str = "Kafka refused no event of the stream";

fn lines(some: impl Iterator<Item = String>, none: &str) -> String {
    let text: String = some.collect();
    if text.is_empty() {
        format!("{none}\n")
    } else {
        text
    }
}

/// The id of whatever has the stream, as the API writes it.
fn stream_id(stream: StreamId) -> String {
    let kind = match stream.stream_type {
        StreamType::Droplet => "Droplet",
        StreamType::Job => "Job",
    };
    format!("{kind}:{}", stream.uuid)
}

fn held_text(held: &HeldStream) -> String {
    let mut text = format!(
        "{}: held back from position {} on, {} later events wait\n",
        stream_id(held.stream),
        held.position,
        held.waiting
    );
    let written = match &held.refusal {
        None => writeln!(
            text,
            "  nothing of it is refused any more: it goes out next"
        ),
        Some(refusal) => {
            let asked = match refusal.retry_requested_at {
                Some(at) => format!("; another attempt was asked for at {}", time(at)),
                None => String::new(),
            };
            writeln!(
                text,
                "  position {} was refused {} times, from {} to {}{asked}: {}",
                refusal.position,
                refusal.attempts,
                time(refusal.first_at),
                time(refusal.last_at),
                refusal.error
            )
        }
    };
    written.expect("a string takes all text");
    text
}

fn held_json(held: &HeldStream) -> Value {
    let refusal = held.refusal.as_ref().map(|refusal| {
        json!({
            "position": refusal.position,
            "error": refusal.error,
            "attempts": refusal.attempts,
            "firstAt": refusal.first_at,
            "lastAt": refusal.last_at,
            "retryRequestedAt": refusal.retry_requested_at,
        })
    });
    json!({
        "stream": stream_id(held.stream),
        "position": held.position,
        "waiting": held.waiting,
        "refusal": refusal,
    })
}

fn skipped_text(skipped: &SkippedEvent) -> String {
    format!(
        "{}: position {} was skipped at {} by {}: {}\n  it had been refused: {}\n",
        stream_id(skipped.stream),
        skipped.position,
        time(skipped.skipped_at),
        skipped.skipped_by,
        skipped.reason,
        skipped.error
    )
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn skipped_json(skipped: &SkippedEvent) -> Value {
    json!({
        "stream": stream_id(skipped.stream),
        "position": skipped.position,
        "error": skipped.error,
        "skippedAt": skipped.skipped_at,
        "skippedBy": skipped.skipped_by,
        "reason": skipped.reason,
    })
}
