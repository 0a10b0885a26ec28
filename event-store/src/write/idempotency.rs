//! Idempotency: a command that is sent again has one effect. The key, the hash of the request and the
//! receipt of the first run commit together with its events.

use domain::ids::OrgId;
use sqlx::PgPool;

use crate::error::StoreError;

/// The retention of a key, in days, at least. Keys are dropped with their partition of ten days.
pub const RETENTION_DAYS: i32 = 30;

/// A command that carries an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The client's key, unique in its organization.
    pub key: String,
    /// The SHA-256 of the request.
    pub request_hash: [u8; 32],
    /// The receipt of the client, as JSON; a repeated command gets the same.
    pub receipt: String,
}

/// The first run of a repeated command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The SHA-256 of the first request.
    pub request_hash: Vec<u8>,
    /// The receipt of the first run, as JSON.
    pub receipt: String,
}

/// Looks up the first run under a key.
///
/// # Errors
/// When Postgres fails.
pub async fn find(pool: &PgPool, org: &OrgId, key: &str) -> Result<Option<Repeated>, StoreError> {
    let row: Option<(Vec<u8>, String)> = sqlx::query_as(
        "select request_hash, receipt::text from es.idempotency where org_id = $1 and key = $2 \
         order by recorded_at limit 1",
    )
    .bind(org.as_str())
    .bind(key)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::unavailable("looking up an idempotency key"))?;
    Ok(row.map(|(request_hash, receipt)| Repeated {
        request_hash,
        receipt,
    }))
}

/// Stores the key of a command that wrote nothing, so that the key is used up all the same. Returns the
/// first run instead, if there was one under the key.
///
/// # Errors
/// When Postgres fails.
pub async fn remember(
    pool: &PgPool,
    org: &OrgId,
    command: &Keyed,
) -> Result<Option<Repeated>, StoreError> {
    loop {
        // Waits for a run that is being committed.
        let inserted = sqlx::query(
            "insert into es.idempotency (org_id, key, period, request_hash, receipt) \
             select $1, $2, period, $3, $4::json from es.periods_of_key() as period \
             on conflict do nothing",
        )
        .bind(org.as_str())
        .bind(&command.key)
        .bind(command.request_hash.as_slice())
        .bind(&command.receipt)
        .execute(pool)
        .await
        .map_err(StoreError::unavailable("remembering an idempotency key"))?;
        if inserted.rows_affected() > 0 {
            return Ok(None);
        }
        // No first run is found if its key was deleted at this very moment.
        if let Some(first) = find(pool, org, &command.key).await? {
            return Ok(Some(first));
        }
    }
}
