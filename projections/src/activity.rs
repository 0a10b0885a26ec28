//! The read model `activity`: a line for people for each event.
//!
//! The model judges nothing: every event that decodes gets its line. A table of the model keeps the
//! names of resources, because other models may be ahead or behind.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer};
use event_store::envelope::{Position, Positioned, Recorded};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::fold::{self, stored_time};
use crate::model::{Cells, FromCells, ReadModel, View};

pub mod query;

/// The name of the read model and of its list.
const NAME: &str = "activity";

/// The line of an event, for people. The fields are the columns of the table `activity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityRow {
    /// The organization that the event belongs to.
    #[serde(rename = "org_id")]
    pub org: OrgId,
    /// The event's place in the log.
    pub position: Position,
    /// The event's stored name, such as `droplet_activated`.
    pub kind: String,
    /// The name of the type of the event's resource, such as `droplet`; also of a type that only a newer
    /// program knows.
    pub resource_type: String,
    /// The id of the event's resource.
    pub resource_id: Uuid,
    /// The name of the resource after the event, where known.
    pub resource_name: Option<String>,
    /// The actor: the subject of the token that caused the event, or a process manager.
    pub actor: String,
    /// The event in a few words, such as `web-1 became active`.
    pub summary: String,
    /// The business time of the event.
    pub occurred_at: DateTime<Utc>,
    /// The time at which the platform recorded the event.
    pub recorded_at: DateTime<Utc>,
}

impl ActivityRow {
    /// Returns the line of an event whose resource has this name.
    #[must_use]
    pub fn of(event: &Positioned<Recorded>, resource_name: Option<&str>) -> Self {
        let Positioned { position, event } = event;
        Self {
            org: event.org.clone(),
            position: *position,
            kind: event.event.event_type().to_owned(),
            resource_type: event.stream.stream_type.to_string(),
            resource_id: event.stream.uuid,
            resource_name: resource_name.map(str::to_owned),
            actor: event.metadata.actor.clone(),
            summary: event.event.narrate(event.stream.uuid, resource_name),
            occurred_at: stored_time(event.metadata.occurred_at),
            recorded_at: stored_time(event.recorded_at),
        }
    }
}

impl FromCells for ActivityRow {
    fn from_cells(cells: &mut Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            org: cells.text("unread")?,
            position: cells.number()?,
            kind: cells.text("unread")?,
            resource_type: cells.text("unread")?,
            resource_id: cells.uuid()?,
            resource_name: cells.optional(|cells| cells.text("unread"))?,
            actor: cells.text("unread")?,
            summary: cells.text("unread")?,
            occurred_at: cells.time()?,
            recorded_at: cells.time()?,
        })
    }
}

/// The read model of activity: one row an event.
#[derive(Debug, Clone, Copy)]
pub struct Activity;

impl ReadModel for Activity {
    fn tables(&self) -> &'static str {
        include_str!("activity/tables.sql")
    }

    fn views(&self) -> &'static [View] {
        &[View {
            schema: "read_v1",
            name: NAME,
            query: include_str!("activity/read_v1.sql"),
        }]
    }
}

#[async_trait]
impl Consumer for Activity {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn stream_types(&self) -> &'static [StreamType] {
        StreamType::known()
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut names = load_names(transaction, &fold::streams(events)).await?;
        let mut learnt = BTreeMap::new();
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let stream = event.event.stream.uuid;
            if let Some(name) = event.event.event.label() {
                names.insert(stream, name.to_owned());
                learnt.insert(stream, name);
            }
            rows.push(ActivityRow::of(
                event,
                names.get(&stream).map(String::as_str),
            ));
        }
        store_names(transaction, &learnt).await?;
        store(transaction, rows).await
    }
}

async fn load_names(
    transaction: &mut PgConnection,
    streams: &[Uuid],
) -> Result<BTreeMap<Uuid, String>, ApplyError> {
    let names: Vec<(Uuid, String)> =
        sqlx::query_as("select stream_id, name from activity_names where stream_id = any($1)")
            .bind(streams)
            .fetch_all(transaction)
            .await?;
    Ok(names.into_iter().collect())
}

async fn store_names(
    transaction: &mut PgConnection,
    names: &BTreeMap<Uuid, &str>,
) -> Result<(), ApplyError> {
    if names.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into activity_names (stream_id, name) \
         select * from unnest($1::uuid[], $2::text[]) as n(stream_id, name) order by stream_id \
         on conflict (stream_id) do update set name = excluded.name",
    )
    .bind(names.keys().copied().collect::<Vec<_>>())
    .bind(names.values().copied().collect::<Vec<_>>())
    .execute(transaction)
    .await?;
    Ok(())
}

async fn store(transaction: &mut PgConnection, rows: Vec<ActivityRow>) -> Result<(), ApplyError> {
    sqlx::query(
        "insert into activity \
         select * from jsonb_populate_recordset(null::activity, $1) order by org_id, position",
    )
    .bind(Json(rows))
    .execute(transaction)
    .await?;
    Ok(())
}
