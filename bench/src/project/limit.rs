//! Reads all events as consumers do, with one cursor, and does nothing with them.

use std::time::Instant;

use anyhow::ensure;
use event_store::pool;
use sqlx::PgPool;

/// Rows a fetch, as many as a batch of a rebuild has.
const FETCH: &str = "fetch 1000 from history";

/// Returns the rate in events a second.
///
/// # Errors
/// When Postgres fails, or a row is missing.
pub(super) async fn measure(pool: &PgPool) -> anyhow::Result<f64> {
    let head: i64 = sqlx::query_scalar("select position from es.log_head")
        .fetch_one(pool)
        .await?;
    let mut transaction = pool::begin(pool).await?;
    let begun = Instant::now();
    sqlx::query(
        "declare history no scroll cursor for \
         select l.position, l.shard, e.stream_id, e.version, e.event_id, e.org_id, e.event_type, e.schema_version, \
             e.data::text, e.metadata::text, e.recorded_at \
         from es.log l join es.events e on e.seq = l.seq order by l.position",
    )
    .execute(&mut *transaction)
    .await?;
    let mut read = 0;
    loop {
        let rows = sqlx::query(FETCH).fetch_all(&mut *transaction).await?;
        if rows.is_empty() {
            break;
        }
        read += i64::try_from(rows.len())?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(read == head, "{read} of {head} events are read");
    Ok(read as f64 / seconds)
}
