//! Switches from the generation that serves to a new one.
//!
//! The checkpoints of the old one are locked first: from then on no worker can show clients more than
//! it shows now. The new one then catches up, in transactions of its own, with all that is in the log,
//! which is at least as much. After that the views are pointed to its tables, the checkpoints of the old
//! one are removed, and all of this commits at once. So a worker which still follows the old one is
//! fenced. A worker that waits for those checkpoints finds them gone.

use std::time::Duration;

use anyhow::{Context, ensure};
use event_store::consume::generation::{self, GenerationState};
use event_store::consume::parked::{self, NewlyParked};
use event_store::consume::pause;
use event_store::consume::source::ConsumerId;
use event_store::{log, pool};
use sqlx::{PgConnection, PgPool};

use super::fill::fill;
use crate::model::ReadModel;
use crate::tables;

/// Pause after an attempt that met a long query.
const PAUSE: Duration = Duration::from_secs(1);

/// The result of a switch.
pub(super) enum Outcome {
    /// The new generation serves.
    Serves,
    /// The new generation does not serve: it has parked what the one that serves has applied.
    Parks(Vec<NewlyParked>),
}

/// Retries the switch until the generation serves, or must not.
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
    let id = ConsumerId { name, generation };
    let mut transaction = pool::begin(pool).await?;
    let serving = generation::lock_serving(&mut transaction, name)
        .await?
        .context("no generation serves")?;
    // Before anything waits for these locks: another process may have switched already.
    ensure!(
        serving != generation,
        "generation {generation} of `{name}` serves already"
    );
    let old = ConsumerId {
        name,
        generation: serving,
    };
    generation::lock_checkpoints(&mut transaction, old).await?;
    fill(pool, projection, generation, log::head(pool).await?).await?;
    let state = generation::lock(&mut transaction, id).await?;
    ensure!(
        state == Some(GenerationState::Building),
        "generation {generation} of `{name}` was given up"
    );
    let paused = pause::is_paused(&mut *transaction, name).await?;
    ensure!(!paused, "`{name}` is paused");
    let parked = parked::newly_parked(&mut transaction, id, serving).await?;
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
    generation::hand_over(&mut transaction, id, serving).await?;
    transaction.commit().await?;
    Ok(Attempt::Ended(Outcome::Serves))
}

/// Points the views of clients to the generation's tables, and drops those that this code does not
/// declare any more. Waits for running queries, but not for long: new ones wait behind the switch.
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
