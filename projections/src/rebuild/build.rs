//! From empty tables to the generation that serves.

use anyhow::Context;
use event_store::consume::generation;
use event_store::envelope::Position;
use event_store::log;
use serde_json::json;
use sqlx::PgPool;

use super::end::end;
use super::fill::fill;
use super::parks::parked_anew;
use super::switch::{Outcome, switch};
use crate::compare::{Sample, compare};
use crate::model::ReadModel;

/// So few events behind the log, a generation is caught up with in a moment.
const NEARLY: i64 = 1_000;

/// Goes on with a generation that is being made until it serves, or is found wrong.
pub(super) async fn build(
    pool: &PgPool,
    projection: &dyn ReadModel,
    generation: i32,
) -> anyhow::Result<()> {
    let name = projection.name();
    let state = generation::state(pool, name, generation).await?;
    if state.as_deref() != Some("BUILDING") {
        // Somebody else has finished it, or given it up.
        return Ok(());
    }
    tracing::info!(
        projection = name,
        generation,
        "a read model is being made anew"
    );
    catch_up(pool, projection, generation).await?;
    is_filled(pool, name, generation).await?;
    let comparison = compare(pool, projection, generation, Sample::ALL).await?;
    let serving = generation::serving(pool, name).await?.generation;
    let parked = {
        let mut connection = pool.acquire().await?;
        parked_anew(&mut connection, name, serving, generation).await?
    };
    let report = json!({ "comparison": comparison, "parked": parked });
    record(pool, name, generation, report).await?;
    if comparison.differences > 0 || !parked.is_empty() {
        tracing::error!(
            projection = name,
            generation,
            differences = comparison.differences,
            first = ?comparison.first.first(),
            parked = ?parked.first(),
            "a read model that was made anew is not what the log says, or could not apply what the one \
             that serves has applied; it will not serve"
        );
        return Ok(end(pool, name, generation, "FAILED").await.map(drop)?);
    }
    catch_up(pool, projection, generation).await?;
    if let Outcome::Parks(parked) = switch(pool, projection, generation).await? {
        tracing::error!(
            projection = name,
            generation,
            parked = ?parked.first(),
            "a read model that was made anew cannot apply what the one that serves has applied; it will \
             not serve"
        );
        record(
            pool,
            name,
            generation,
            json!({ "comparison": comparison, "parked": parked }),
        )
        .await?;
        return Ok(end(pool, name, generation, "FAILED").await.map(drop)?);
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

async fn is_filled(pool: &PgPool, name: &str, generation: i32) -> anyhow::Result<()> {
    sqlx::query(
        "update es.generations set filled_at = coalesce(filled_at, clock_timestamp()) \
         where consumer = $1 and generation = $2",
    )
    .bind(name)
    .bind(generation)
    .execute(pool)
    .await
    .context("how far a rebuild is cannot be recorded")?;
    Ok(())
}

async fn record(
    pool: &PgPool,
    name: &str,
    generation: i32,
    report: serde_json::Value,
) -> anyhow::Result<()> {
    sqlx::query("update es.generations set report = $3 where consumer = $1 and generation = $2")
        .bind(name)
        .bind(generation)
        .bind(report)
        .execute(pool)
        .await
        .context("the report of a rebuild cannot be recorded")?;
    Ok(())
}
