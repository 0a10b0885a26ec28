//! The rows that works read, and what correct answers hold.

use anyhow::ensure;
use sqlx::PgPool;

/// The organization whose rows are read. `data.sql` and `peers.sql` name it too.
pub(super) const ORG: &str = "bench";

/// The droplets that lists show, in their order: without deleted ones, newest first.
pub(super) struct Listed {
    /// The ids, as UUIDs in text.
    pub(super) ids: Vec<String>,
}

/// Fills the read models of a migrated, empty database, and makes the views of the peers.
///
/// # Errors
/// When the database is not empty, or Postgres fails.
pub(super) async fn fill(pool: &PgPool) -> anyhow::Result<Listed> {
    let droplets: i64 = sqlx::query_scalar("select count(*) from read_v1.droplets")
        .fetch_one(pool)
        .await?;
    ensure!(
        droplets == 0,
        "the database holds droplets: name an empty one"
    );
    // Settings of the session end with it.
    let mut connection = pool.acquire().await?.detach();
    sqlx::raw_sql(include_str!("data.sql"))
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql(include_str!("peers.sql"))
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql("vacuum (freeze, analyze)")
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql("checkpoint").execute(&mut connection).await?;
    let ids = sqlx::query_scalar(
        "select id::text from read_v1.droplets where org_id = $1 and status <> 'DELETED' \
         order by created_at desc, id desc",
    )
    .bind(ORG)
    .fetch_all(&mut connection)
    .await?;
    Ok(Listed { ids })
}
