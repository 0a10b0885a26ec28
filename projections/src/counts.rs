//! The read model `counts`: the numbers of resources of each organization.
//!
//! The dimensions of streams are declared beside the models of their rows
//! ([`Model::COUNTING`](crate::model::Model::COUNTING)). This model adds the counters up and names no
//! feature.
//!
//! Counters change by adding, which is commutative, so workers of different shards may apply at once.
//! Workers lock the counters in one order, so they cannot deadlock. A batch that has to be applied event
//! by event can deadlock, and is then retried. A table of the model keeps the facts by which each stream
//! is counted. So nothing is counted twice, and nothing depends on how far other models are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ids::OrgId;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer};
use event_store::envelope::{Positioned, Recorded, Version};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::fold;
use crate::model::{Counting, Dimension, ReadModel, View};

pub mod query;

/// The read model of counters.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    counting: fn(StreamType) -> Option<Counting>,
}

impl Counts {
    /// Counts the streams of a type by the counting that the function gives; if it gives none, they are
    /// not counted.
    #[must_use]
    pub const fn by(counting: fn(StreamType) -> Option<Counting>) -> Self {
        Self { counting }
    }
}

impl ReadModel for Counts {
    fn tables(&self) -> &'static str {
        include_str!("counts/tables.sql")
    }

    fn views(&self) -> &'static [View] {
        &[View {
            schema: "read_v1",
            name: "counts",
            query: include_str!("counts/read_v1.sql"),
        }]
    }
}

#[async_trait]
impl Consumer for Counts {
    fn name(&self) -> &'static str {
        "counts"
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
        let mut rows = load(transaction, &fold::streams(events)).await?;
        let mut deltas = Deltas::default();
        for Positioned { event, .. } in events {
            let Some(counting) = (self.counting)(event.stream.stream_type) else {
                continue;
            };
            let id = event.stream.uuid;
            let before = rows.remove(&id);
            fold::must_follow(before.as_ref().map(|row| Version(row.version)), event)?;
            let step = counting.step(before.as_ref().map(|row| row.counted.as_str()), event)?;
            for (dimension, value) in step.left {
                deltas.add(&event.org, dimension, value, -1);
            }
            for (dimension, value) in step.entered {
                deltas.add(&event.org, dimension, value, 1);
            }
            let after = Row {
                stream_id: id,
                version: event.version.0,
                counted: step.counted,
            };
            rows.insert(id, after);
        }
        store(transaction, rows.into_values().collect()).await?;
        deltas.store(transaction).await
    }
}

/// The facts by which a stream is counted: a row of the table `counted`.
#[derive(Debug, FromRow)]
struct Row {
    stream_id: Uuid,
    version: i64,
    /// JSON of a [`Counted`](crate::model::Counted).
    counted: String,
}

/// The changes of counters.
#[derive(Debug, Default)]
struct Deltas(BTreeMap<(OrgId, &'static str, String), i64>);

impl Deltas {
    fn add(&mut self, org: &OrgId, dimension: Dimension, value: String, delta: i64) {
        let counter = (org.clone(), dimension.0, value);
        *self.0.entry(counter).or_default() += delta;
    }

    /// Adds the deltas in one statement, in key order. A second statement removes the counters that
    /// reach zero, and meets only rows that the first one has locked.
    async fn store(mut self, transaction: &mut PgConnection) -> Result<(), ApplyError> {
        self.0.retain(|_, delta| *delta != 0);
        if self.0.is_empty() {
            return Ok(());
        }
        let (counters, deltas): (Vec<_>, Vec<i64>) = self.0.into_iter().unzip();
        let orgs: Vec<&str> = counters.iter().map(|(org, ..)| org.as_str()).collect();
        let dimensions: Vec<&str> = counters.iter().map(|(_, name, _)| *name).collect();
        let values: Vec<&str> = counters.iter().map(|(.., value)| value.as_str()).collect();
        sqlx::query(include_str!("counts/add.sql"))
            .bind(&orgs)
            .bind(&dimensions)
            .bind(&values)
            .bind(deltas)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "delete from counts c \
             using unnest($1::text[], $2::text[], $3::text[]) as k(org_id, dimension, value) \
             where (c.org_id, c.dimension, c.value) = (k.org_id, k.dimension, k.value) \
                 and c.count = 0",
        )
        .bind(&orgs)
        .bind(&dimensions)
        .bind(&values)
        .execute(transaction)
        .await?;
        Ok(())
    }
}

async fn load(
    transaction: &mut PgConnection,
    streams: &[Uuid],
) -> Result<BTreeMap<Uuid, Row>, ApplyError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select stream_id, version, counted::text as counted from counted \
         where stream_id = any($1)",
    )
    .bind(streams)
    .fetch_all(transaction)
    .await?;
    let rows = rows.into_iter().map(|row| (row.stream_id, row));
    Ok(rows.collect())
}

/// Writes the rows in one statement, in the order of their streams, so that two workers cannot deadlock.
async fn store(transaction: &mut PgConnection, rows: Vec<Row>) -> Result<(), ApplyError> {
    sqlx::query(
        "insert into counted (stream_id, version, counted) \
         select stream_id, version, counted::jsonb \
         from unnest($1::uuid[], $2::bigint[], $3::text[]) as c(stream_id, version, counted) \
         order by stream_id \
         on conflict (stream_id) do update set version = excluded.version, \
             counted = excluded.counted",
    )
    .bind(rows.iter().map(|row| row.stream_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.into_iter().map(|row| row.counted).collect::<Vec<_>>())
    .execute(transaction)
    .await?;
    Ok(())
}
