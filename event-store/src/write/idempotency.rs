//! Idempotency: a command that is sent again has one effect. The key, the hash of the request and the
//! receipt of the first run commit together with its events, or with its refusal.

use domain::ids::OrgId;
use sqlx::PgPool;

use crate::error::StoreError;
use crate::incarnation::IncarnationId;

/// The retention of a key, in days, at least. Keys are dropped with their partition of ten days.
pub const RETENTION_DAYS: i32 = 30;

/// A command that carries an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The client's key, unique in its organization.
    pub key: String,
    /// The SHA-256 of the request.
    pub request_hash: [u8; 32],
    /// The receipt or the refusal, as JSON; a repeated command gets the same.
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

/// Looks up the first run under a key, in this incarnation of the log.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], and when Postgres fails.
pub async fn find(
    pool: &PgPool,
    incarnation: IncarnationId,
    org: &OrgId,
    key: &str,
) -> Result<Option<Repeated>, StoreError> {
    // Where a period ends, a key has two rows.
    let row: Option<(Vec<u8>, String)> = sqlx::query_as(
        "select request_hash, receipt::text from es.idempotency \
         where org_id = $1 and key = $2 and es.demand_incarnation($3) order by recorded_at limit 1",
    )
    .bind(org.as_str())
    .bind(key)
    .bind(incarnation.0)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::asking("looking up an idempotency key"))?;
    Ok(row.map(|(request_hash, receipt)| Repeated {
        request_hash,
        receipt,
    }))
}
