//! Idempotency: a command that is sent again has one effect. The key, the hash of the request and the
//! receipt of the first run commit together with its events, or with its refusal.

use domain::ids::OrgId;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::StoreError;
use crate::incarnation::IncarnationId;

/// The retention of a key, in days, at least. Keys are dropped with their partition of ten days.
pub const RETENTION_DAYS: i32 = 30;

/// A command that carries an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The client's key, unique in its organization.
    pub key: String,
    /// The first half of the SHA-256 of the request.
    pub request_hash: [u8; 16],
    /// The receipt or the refusal, as text; a repeated command gets the same.
    pub receipt: String,
}

/// The first run of a repeated command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The first half of the SHA-256 of the first request.
    pub request_hash: [u8; 16],
    /// The receipt or the refusal of the first run, as text.
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
    let row: Option<(Uuid, String)> = sqlx::query_as(
        "select request_hash, receipt from es.idempotency \
         where key_hash = $1 and es.demand_incarnation($2) order by period limit 1",
    )
    .bind(key_hash(org, key))
    .bind(incarnation.0)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::asking("looking up an idempotency key"))?;
    Ok(row.map(|(request_hash, receipt)| Repeated {
        request_hash: request_hash.into_bytes(),
        receipt,
    }))
}

/// Returns the stored form of a key: the first half of the SHA-256 of the organization, a zero byte, and the key.
/// The name of an organization has no zero byte, so no two pairs have one text.
pub(crate) fn key_hash(org: &OrgId, key: &str) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(org.as_str());
    hash.update([0]);
    hash.update(key);
    let hash: [u8; 32] = hash.finalize().into();
    Uuid::from_bytes(*hash.first_chunk().expect("32 bytes begin with 16"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_of_a_key_stays() {
        let org = |org| OrgId::parse(org).expect("is a good name");
        // `printf 'acme\0k' | sha256sum`; the migration computes the same.
        let stored = key_hash(&org("acme"), "k");
        assert_eq!(stored.to_string(), "8b7ae2f4-82bc-2a7c-1d53-cda7717e27bf");
        assert_ne!(stored, key_hash(&org("other"), "k"));
        assert_ne!(key_hash(&org("ab"), "c"), key_hash(&org("a"), "bc"));
    }
}
