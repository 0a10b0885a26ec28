//! The tables of a generation, and temporary ones of the same shape.

use event_store::consume::generation;
use event_store::consume::source::ConsumerId;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

/// A table of a generation. Its names are quoted for SQL.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Table {
    pub(super) schema: String,
    pub(super) table: String,
    /// The columns of the primary key.
    pub(super) key: String,
    /// The column that names the stream of a row; `None` where rows sum over streams.
    pub(super) stream_column: Option<String>,
}

impl Table {
    /// Returns the name of the table, with its schema.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }
}

/// The tables of a generation, in the order of their names.
pub(super) async fn of(
    connection: &mut PgConnection,
    id: ConsumerId,
) -> Result<Vec<Table>, sqlx::Error> {
    sqlx::query_as(include_str!("tables.sql"))
        .bind(generation::tables_of(id))
        .fetch_all(connection)
        .await
}

/// Creates empty temporary tables of these shapes on a connection, by their bare names. They have no index but the
/// primary key, by which a fold loads and replaces rows. Nobody counts the rows of temporary tables for the planner,
/// which would take them for empty and read all of them.
pub(super) async fn copy_shapes(
    scratch: &mut PgConnection,
    tables: &[Table],
) -> Result<(), sqlx::Error> {
    for table in tables {
        let copy = format!(
            "create temporary table {} (like {} including all excluding indexes, primary key ({}))",
            table.table,
            table.name(),
            table.key
        );
        sqlx::query(AssertSqlSafe(copy))
            .execute(&mut *scratch)
            .await?;
    }
    for setting in [
        "set search_path = pg_temp",
        "set timezone = 'UTC'",
        "set statement_timeout = 0",
        "set enable_seqscan = off",
    ] {
        sqlx::query(setting).execute(&mut *scratch).await?;
    }
    Ok(())
}
