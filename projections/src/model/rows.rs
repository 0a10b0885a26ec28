//! The consumer of every model that holds one row for each stream.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer};
use event_store::envelope::{Positioned, Recorded};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{Counting, LiveFold, Model, ReadModel, View, columns, fold, live};
use crate::fold::streams;

/// A model as a consumer: one statement loads the rows of a batch, one stores them.
#[derive(Debug, Clone, Copy)]
pub struct Rows<M>(pub M);

#[async_trait]
impl<M: Model> Consumer for Rows<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn version(&self) -> i32 {
        M::VERSION
    }

    fn stream_types(&self) -> &'static [StreamType] {
        M::OF
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut rows = load::<M>(transaction, &streams(events)).await?;
        for Positioned { event, .. } in events {
            let id = event.stream.uuid;
            let row = fold::<M>(rows.remove(&id), event)?;
            rows.insert(id, row);
        }
        store::<M>(transaction, rows.into_values().collect()).await
    }
}

impl<M: Model> ReadModel for Rows<M> {
    fn tables(&self) -> &'static str {
        M::TABLES
    }

    fn views(&self) -> &'static [View] {
        M::VIEWS
    }

    fn live_fold(&self) -> Option<LiveFold> {
        Some(live::fold::<M>)
    }

    fn counting(&self) -> Option<Counting> {
        M::COUNTING
    }
}

/// Returns the rows of these streams, as far as there are any.
///
/// # Errors
/// A row that this program cannot read is the fault of its stream, which is then parked. A retry would
/// not help, and other streams must not wait.
async fn load<M: Model>(
    transaction: &mut PgConnection,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, M::Row>, ApplyError> {
    let load = format!(
        "select id, to_json(t)::text from {} t where id = any($1)",
        M::NAME
    );
    let rows: Vec<(Uuid, String)> = sqlx::query_as(AssertSqlSafe(load))
        .bind(ids)
        .fetch_all(transaction)
        .await?;
    let decoded = rows.into_iter().map(|(id, row)| {
        let row = serde_json::from_str(&row).map_err(|error| {
            ApplyError::Event(format!("the stored row of {id} cannot be read: {error}"))
        })?;
        Ok((id, row))
    });
    decoded.collect()
}

/// Writes the rows in one statement, in the order of their ids, so that two workers cannot deadlock.
async fn store<M: Model>(
    transaction: &mut PgConnection,
    rows: Vec<M::Row>,
) -> Result<(), ApplyError> {
    let rows = serde_json::to_string(&rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(AssertSqlSafe(store_statement(
        M::NAME,
        columns::of::<M::Row>(),
    )))
    .bind(rows)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Returns the statement that inserts rows and replaces those that exist. The rows are one JSON array of
/// objects whose names are the columns.
fn store_statement(table: &str, columns: &[&str]) -> String {
    let all: Vec<_> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let all = all.join(", ");
    let changes: Vec<_> = columns
        .iter()
        .filter(|name| **name != "id")
        .map(|name| format!("\"{name}\" = excluded.\"{name}\""))
        .collect();
    let changes = changes.join(", ");
    format!(
        "insert into {table} ({all}) \
         select {all} from json_populate_recordset(null::{table}, $1::json) order by id \
         on conflict (id) do update set {changes}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_and_every_other_column_is_replaced() {
        assert_eq!(
            store_statement("things", &["id", "size"]),
            "insert into things (\"id\", \"size\") \
             select \"id\", \"size\" from json_populate_recordset(null::things, $1::json) order by id \
             on conflict (id) do update set \"size\" = excluded.\"size\""
        );
    }
}
