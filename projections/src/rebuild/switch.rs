//! Puts a generation in the place of the one that serves.
//!
//! The checkpoints of the old one are locked first: from then on nobody can show clients more than it shows
//! now. The new one then catches up, in transactions of its own, with all that is in the log, which is at least
//! as much. After that the views are pointed to its tables, the checkpoints of the old one are removed (so that a
//! worker which still follows it is fenced), and all of this commits at once. A worker that waits for
//! those checkpoints finds them gone.

use std::time::Duration;

use anyhow::{Context, ensure};
use event_store::{log, pool};
use sqlx::{PgConnection, PgPool};

use super::fill::fill;
use super::parks::{ParkedAnew, parked_anew};
use crate::model::ReadModel;
use crate::tables;

/// Pause after an attempt that met somebody who reads for long.
const PAUSE: Duration = Duration::from_secs(1);

/// What became of it.
pub(super) enum Outcome {
    /// It serves.
    Serves,
    /// It does not: it has parked what the one that serves has applied.
    Parks(Vec<ParkedAnew>),
}

/// Tries until the generation serves, or must not.
pub(super) async fn switch(
    pool: &PgPool,
    projection: &dyn ReadModel,
    generation: i32,
) -> anyhow::Result<Outcome> {
    loop {
        match try_switch(pool, projection, generation).await? {
            Attempt::Ended(outcome) => return Ok(outcome),
            Attempt::SomebodyReads => {
                tracing::info!(
                    projection = projection.name(),
                    generation,
                    "a new generation waits for queries that run for long"
                );
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

enum Attempt {
    Ended(Outcome),
    SomebodyReads,
}

async fn try_switch(
    pool: &PgPool,
    projection: &dyn ReadModel,
    generation: i32,
) -> anyhow::Result<Attempt> {
    let name = projection.name();
    let mut transaction = pool::begin(pool).await?;
    let serving: i32 = sqlx::query_scalar(
        "select generation from es.generations where consumer = $1 and state = 'SERVING' for update",
    )
    .bind(name)
    .fetch_one(&mut *transaction)
    .await
    .context("no generation serves")?;
    // Before anything waits for what is locked now: somebody else may have put it in its place.
    ensure!(
        serving != generation,
        "generation {generation} of `{name}` serves already"
    );
    sqlx::query(
        "select 1 from es.checkpoints where consumer = $1 and generation = $2 \
         order by shard for update",
    )
    .bind(name)
    .bind(serving)
    .execute(&mut *transaction)
    .await?;
    fill(pool, projection, generation, log::head(pool).await?).await?;
    let state: String = sqlx::query_scalar(
        "select state from es.generations where consumer = $1 and generation = $2 for update",
    )
    .bind(name)
    .bind(generation)
    .fetch_one(&mut *transaction)
    .await?;
    ensure!(
        state == "BUILDING",
        "generation {generation} of `{name}` was given up"
    );
    let paused: bool =
        sqlx::query_scalar("select exists (select from es.paused where consumer = $1)")
            .bind(name)
            .fetch_one(&mut *transaction)
            .await?;
    ensure!(!paused, "`{name}` is paused");
    let parked = parked_anew(&mut transaction, name, serving, generation).await?;
    if !parked.is_empty() {
        return Ok(Attempt::Ended(Outcome::Parks(parked)));
    }
    if let Err(error) = show(&mut transaction, projection, serving, generation).await {
        return match error.as_database_error().and_then(|e| e.code()) {
            // lock_not_available
            Some(code) if code == "55P03" => Ok(Attempt::SomebodyReads),
            _ => Err(error).context("the views cannot be pointed to the new tables"),
        };
    }
    hand_over(&mut transaction, name, serving, generation).await?;
    transaction.commit().await?;
    Ok(Attempt::Ended(Outcome::Serves))
}

/// Points the views of clients to the generation's tables, and drops those that this code does not declare
/// any more. Waits for queries that run, but not for long: new ones wait behind us.
async fn show(
    transaction: &mut PgConnection,
    projection: &dyn ReadModel,
    serving: i32,
    generation: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query("set local lock_timeout = '200ms'")
        .execute(&mut *transaction)
        .await?;
    tables::show(transaction, projection, generation).await?;
    tables::drop_views_of(transaction, projection, serving).await
}

/// Makes the generation the one that consumers follow.
async fn hand_over(
    transaction: &mut PgConnection,
    name: &str,
    serving: i32,
    generation: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query(include_str!("hand_over.sql"))
        .bind(name)
        .bind(serving)
        .bind(generation)
        .execute(&mut *transaction)
        .await?;
    // In this order, because only one may serve.
    for (generation, state) in [(serving, "RETIRED"), (generation, "SERVING")] {
        sqlx::query(
            "update es.generations set state = $3, decided_at = clock_timestamp() \
             where consumer = $1 and generation = $2",
        )
        .bind(name)
        .bind(generation)
        .bind(state)
        .execute(&mut *transaction)
        .await?;
    }
    Ok(())
}
