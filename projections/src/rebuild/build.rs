//! Builds a generation, from empty tables until it serves.

use event_store::consume::generation::{self, GenerationState};
use event_store::consume::parked;
use event_store::consume::source::ConsumerId;
use event_store::envelope::Position;
use event_store::log;
use serde_json::json;
use sqlx::PgPool;

use super::fill::fill;
use super::switch::{Outcome, switch};
use crate::compare::{Sample, compare};
use crate::model::ReadModel;

/// A lag in events that a generation catches up with in a moment.
const NEARLY: i64 = 1_000;

/// Continues to build a generation until it serves, or is found wrong.
pub(super) async fn build(
    pool: &PgPool,
    projection: &dyn ReadModel,
    generation: i32,
) -> anyhow::Result<()> {
    let name = projection.name();
    let id = ConsumerId { name, generation };
    let state = generation::state(pool, name, generation).await?;
    if state != Some(GenerationState::Building) {
        // Another process has finished it, or an operator has given it up.
        return Ok(());
    }
    tracing::info!(projection = name, generation, "a rebuild begins");
    catch_up(pool, projection, generation).await?;
    generation::mark_filled(pool, id).await?;
    let comparison = compare(pool, projection, generation, Sample::ALL).await?;
    let serving = generation::serving(pool, name).await?.generation;
    let parked = {
        let mut connection = pool.acquire().await?;
        parked::newly_parked(&mut connection, id, serving).await?
    };
    let report = json!({ "comparison": comparison, "parked": parked });
    generation::record_report(pool, id, &report).await?;
    if comparison.differences > 0 || !parked.is_empty() {
        tracing::error!(
            projection = name,
            generation,
            differences = comparison.differences,
            first = ?comparison.first.first(),
            parked = ?parked.first(),
            "a rebuilt read model differs from the log, or could not apply what the one \
             that serves has applied; it will not serve"
        );
        generation::end(pool, id, GenerationState::Failed).await?;
        return Ok(());
    }
    catch_up(pool, projection, generation).await?;
    if let Outcome::Parks(parked) = switch(pool, projection, generation).await? {
        tracing::error!(
            projection = name,
            generation,
            parked = ?parked.first(),
            "a rebuilt read model cannot apply what the one that serves has applied; it will \
             not serve"
        );
        let report = json!({ "comparison": comparison, "parked": parked });
        generation::record_report(pool, id, &report).await?;
        generation::end(pool, id, GenerationState::Failed).await?;
        return Ok(());
    }
    tracing::info!(
        projection = name,
        generation,
        events = comparison.events,
        rows = comparison.rows,
        "another generation of a read model serves"
    );
    Ok(())
}

async fn catch_up(
    pool: &PgPool,
    projection: &dyn ReadModel,
    generation: i32,
) -> anyhow::Result<()> {
    let mut filled = Position::START;
    loop {
        let head = log::head(pool).await?;
        fill(pool, projection, generation, head).await?;
        if head.0 - filled.0 < NEARLY {
            return Ok(());
        }
        filled = head;
    }
}
