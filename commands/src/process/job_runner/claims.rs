//! Claims of workers on the items of the to-do list, each for a few seconds.
//!
//! A claim saves work; correctness does not depend on it: two workers on one job take the same steps, and
//! each step has one effect. Time here is the database's, so that the clocks of the workers' machines do
//! not matter.

use std::time::Duration;

use domain::ids::{CorrelationId, DropletId, EventId, JobId, OrgId};
use event_store::error::StoreError;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

/// The duration of a claim that is not renewed.
const CLAIM: Duration = Duration::from_secs(5);
/// The interval of renewals: two renewals may fail before the claim is lost.
const RENEWAL: Duration = Duration::from_millis(1_500);

/// A job on the to-do list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) job: JobId,
    pub(super) org: OrgId,
    /// The droplet that the job concerns, if any.
    pub(super) droplet: Option<DropletId>,
    pub(super) kind: String,
    /// The event that submitted the job.
    pub(super) event: EventId,
    pub(super) correlation_id: CorrelationId,
    /// The number of failed attempts to work on the job.
    pub(super) failures: u32,
}

/// The claims of one worker process.
#[derive(Debug)]
pub(super) struct Claims {
    pool: PgPool,
    owner: Uuid,
}

impl Claims {
    /// Returns claims in the name of a new owner.
    #[expect(
        clippy::disallowed_methods,
        reason = "a process manager is an edge: the owner's name enters here"
    )]
    pub(super) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            owner: Uuid::now_v7(),
        }
    }

    /// Claims the oldest free items, at most so many.
    pub(super) async fn take(&self, at_most: usize) -> Result<Vec<Item>, StoreError> {
        if at_most == 0 {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "with free as materialized ( \
                 select job_id from process.todo where free_at <= now() \
                 order by position limit $3 for update skip locked) \
             update process.todo t \
             set claimed_by = $1, free_at = now() + $2 * interval '1 second' \
             from free where t.job_id = free.job_id \
             returning t.job_id, t.org_id, t.droplet_id, t.kind, t.event_id, t.correlation_id, \
                 t.failures",
        )
        .bind(self.owner)
        .bind(CLAIM.as_secs_f64())
        .bind(i64::try_from(at_most).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::unavailable("claiming jobs"))?;
        rows.iter()
            .map(item)
            .collect::<Result<_, _>>()
            .map_err(StoreError::unavailable("claiming jobs"))
    }

    /// Renews the claim on an item for as long as possible. Returns when the claim is lost or the item is
    /// gone.
    pub(super) async fn keep(&self, item: &Item) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            let renewed = sqlx::query(
                "update process.todo set free_at = now() + $3 * interval '1 second' \
                 where job_id = $1 and claimed_by = $2",
            )
            .bind(item.job.as_uuid())
            .bind(self.owner)
            .bind(CLAIM.as_secs_f64())
            .execute(&self.pool)
            .await;
            match renewed {
                Ok(done) if done.rows_affected() == 0 => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, job.id = %item.job, "a claim was not renewed");
                }
            }
        }
    }

    /// Takes an item off the list, whoever holds its claim, because its job has ended. Frees the items that
    /// waited for that job.
    pub(super) async fn retire(&self, item: &Item) -> Result<(), StoreError> {
        sqlx::query(
            "with retired as (delete from process.todo where job_id = $1) \
             update process.todo set free_at = '-infinity' \
             where droplet_id = $2 and job_id <> $1 and claimed_by is null and failures = 0",
        )
        .bind(item.job.as_uuid())
        .bind(item.droplet.map(|droplet| droplet.as_uuid()))
        .execute(&self.pool)
        .await
        .map_err(StoreError::unavailable("taking a job off the list"))?;
        Ok(())
    }

    /// Releases the claim on an item, which is free again after the pause.
    pub(super) async fn put_back(&self, item: &Item, pause: Duration) -> Result<(), StoreError> {
        self.give_up(item, pause, 0).await
    }

    /// Releases the claim on an item because of an error, and counts the failure.
    pub(super) async fn put_back_failed(
        &self,
        item: &Item,
        pause: Duration,
    ) -> Result<(), StoreError> {
        self.give_up(item, pause, 1).await
    }

    /// Returns true if a job on the list may still be making the droplet's machine.
    pub(super) async fn is_being_provisioned(
        pool: &PgPool,
        droplet: DropletId,
        kind: &str,
    ) -> Result<bool, StoreError> {
        sqlx::query_scalar(
            "select exists (select from process.todo where droplet_id = $1 and kind = $2)",
        )
        .bind(droplet.as_uuid())
        .bind(kind)
        .fetch_one(pool)
        .await
        .map_err(StoreError::unavailable(
            "looking for a droplet's other jobs",
        ))
    }

    async fn give_up(&self, item: &Item, pause: Duration, failures: i32) -> Result<(), StoreError> {
        sqlx::query(
            "update process.todo set claimed_by = null, \
                 free_at = now() + $3 * interval '1 second', \
                 failures = case $4 when 0 then 0 else failures + $4 end \
             where job_id = $1 and claimed_by = $2",
        )
        .bind(item.job.as_uuid())
        .bind(self.owner)
        .bind(pause.as_secs_f64())
        .bind(failures)
        .execute(&self.pool)
        .await
        .map_err(StoreError::unavailable("putting a job back"))?;
        Ok(())
    }
}

fn item(row: &PgRow) -> Result<Item, sqlx::Error> {
    let org: String = row.try_get("org_id")?;
    let failures: i32 = row.try_get("failures")?;
    Ok(Item {
        job: JobId::new(row.try_get("job_id")?),
        org: OrgId::parse(org).map_err(|error| sqlx::Error::Decode(error.into()))?,
        droplet: row
            .try_get::<Option<Uuid>, _>("droplet_id")?
            .map(DropletId::new),
        kind: row.try_get("kind")?,
        event: EventId::new(row.try_get("event_id")?),
        correlation_id: CorrelationId::new(row.try_get("correlation_id")?),
        failures: u32::try_from(failures).unwrap_or_default(),
    })
}
