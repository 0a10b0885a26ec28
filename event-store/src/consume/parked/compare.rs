//! The parked streams of a generation, for comparisons with other generations and with the log.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::consume::source::ConsumerId;
use crate::envelope::Position;
use crate::error::StoreError;

/// A stream that a new generation has parked at an event which the generation that serves has applied.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewlyParked {
    /// The stream.
    pub stream_id: Uuid,
    /// The position of the event at fault.
    pub position: i64,
    /// The reason why the event cannot be applied.
    pub error: String,
}

/// Returns the first ten streams that `successor` has parked and the generation `serving` has not. With
/// them, `successor` would show less.
///
/// # Errors
/// When Postgres fails.
pub async fn newly_parked(
    connection: &mut PgConnection,
    successor: ConsumerId,
    serving: i32,
) -> Result<Vec<NewlyParked>, StoreError> {
    sqlx::query_as(include_str!("newly_parked.sql"))
        .bind(successor.name)
        .bind(serving)
        .bind(successor.generation)
        .fetch_all(connection)
        .await
        .map_err(StoreError::unavailable("comparing parked streams"))
}

/// Returns the parked streams of a generation, each with the position from which on it was not applied.
///
/// # Errors
/// When Postgres fails.
pub async fn first_positions(
    connection: &mut PgConnection,
    id: ConsumerId,
) -> Result<HashMap<Uuid, Position>, StoreError> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(
        "select stream_id, min(position) from es.parked \
         where consumer = $1 and generation = $2 group by stream_id",
    )
    .bind(id.name)
    .bind(id.generation)
    .fetch_all(connection)
    .await
    .map_err(StoreError::unavailable("reading parked streams"))?;
    let positions = rows.into_iter();
    Ok(positions
        .map(|(stream, position)| (stream, Position(position)))
        .collect())
}
