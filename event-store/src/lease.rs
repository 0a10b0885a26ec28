//! Leases: one leader at a time, for roles that need it. This module owns `es.leases`.
//!
//! A lease names the process that should act. Its epoch, checked with every write, names the one that may.
//! So a clock that jumps, or an owner that was paused and resumes, costs at most a delay: a stale owner can
//! never write.

use std::time::Duration;

use sqlx::PgPool;

use crate::error::StoreError;

/// The duration of a lease without renewal: a standby takes over this long after a kill.
pub const TTL: Duration = Duration::from_secs(2);
/// The interval at which an owner renews its lease.
pub const RENEW_EVERY: Duration = Duration::from_millis(500);
/// The interval at which a standby tries to take the lease.
pub const TRY_EVERY: Duration = Duration::from_millis(300);

/// A lease that this process holds, or held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The role, such as `sequencer`.
    pub name: &'static str,
    /// The owner, unique to the process.
    pub owner: String,
    /// The epoch, which grows with every change of owner.
    pub epoch: i64,
}

/// Takes a lease that is free, expired or ours already. Returns `None` while another owner holds it. A
/// lease that would last longer than any is ever granted dates from before the database's clock went back,
/// and is free. The epoch of a lease whose row was lost is above that of the log, so that its owner can take the
/// log over.
///
/// # Errors
/// When Postgres fails.
pub async fn acquire(
    pool: &PgPool,
    name: &'static str,
    owner: &str,
) -> Result<Option<Lease>, StoreError> {
    let epoch: Option<i64> = sqlx::query_scalar(
        "insert into es.leases as l (name, owner, epoch, expires_at) \
         values ($1, $2, 1 + (select epoch from es.log_head order by position desc limit 1), \
             clock_timestamp() + make_interval(secs => $3)) \
         on conflict (name) do update set owner = excluded.owner, epoch = l.epoch + 1, \
             expires_at = excluded.expires_at \
         where l.expires_at < clock_timestamp() or l.owner = excluded.owner \
             or l.expires_at > clock_timestamp() + make_interval(secs => 2 * $3) \
         returning epoch",
    )
    .bind(name)
    .bind(owner)
    .bind(TTL.as_secs_f64())
    .fetch_optional(pool)
    .await
    .map_err(StoreError::unavailable("taking a lease"))?;
    Ok(epoch.map(|epoch| Lease {
        name,
        owner: owner.to_owned(),
        epoch,
    }))
}

/// Renews a lease for another [`TTL`].
///
/// # Errors
/// [`StoreError::Fenced`] when another owner took it over; [`StoreError::Unavailable`] when Postgres fails.
pub async fn renew(pool: &PgPool, lease: &Lease) -> Result<(), StoreError> {
    let renewed = sqlx::query(
        "update es.leases set expires_at = clock_timestamp() + make_interval(secs => $3) \
         where name = $1 and epoch = $2",
    )
    .bind(lease.name)
    .bind(lease.epoch)
    .bind(TTL.as_secs_f64())
    .execute(pool)
    .await
    .map_err(StoreError::unavailable("renewing a lease"))?;
    if renewed.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Fenced {
            what: format!("the lease `{}`", lease.name),
        })
    }
}

/// Releases a lease, so that a standby takes over at once. Does nothing when it was lost already.
///
/// # Errors
/// When Postgres fails; the lease then expires by itself.
pub async fn release(pool: &PgPool, lease: &Lease) -> Result<(), StoreError> {
    sqlx::query("update es.leases set expires_at = '-infinity' where name = $1 and epoch = $2")
        .bind(lease.name)
        .bind(lease.epoch)
        .execute(pool)
        .await
        .map_err(StoreError::unavailable("giving a lease back"))?;
    Ok(())
}
