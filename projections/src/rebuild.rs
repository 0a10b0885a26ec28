//! Builds a new generation of a projection's tables beside the one that serves, and switches over to it.
//!
//! Guarantees:
//! - queries never fail and never see two generations mixed. The views of clients are pointed to the new
//!   tables in one transaction, which waits only briefly for queries that read, and is retried;
//! - clients see no less than before. The new generation has applied at least what the old one has,
//!   shard by shard, when it takes its place;
//! - the new generation serves only after every row was found equal to a fresh fold of the log
//!   (`crate::compare`). It must also have been able to apply every event that the old one has applied;
//! - the process that builds it may be killed at any point. Then the old generation serves, and the next
//!   process that rebuilds continues from the checkpoints. Two at once do no harm: checkpoints move by
//!   compare-and-set;
//! - a rebuild writes nothing but tables: no hints, jobs or commands come from it.
//!
//! An operator requests a rebuild ([`request()`]), or a program does whose code has a higher version
//! than the generation that serves. The process that holds the lease for rebuilds makes it.

use std::sync::Arc;
use std::time::Duration;

use event_store::consume::generation::{self, Generation, GenerationState};
use event_store::consume::wake::Signal;
use event_store::error::StoreError;
use event_store::lease::{self, Lease, RENEW_EVERY};
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::model::ReadModel;

mod build;
mod drop;
mod fill;
mod request;
mod switch;

pub use self::request::{RequestError, request};

use self::build::build;

/// Poll interval for pending rebuilds.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// The least time between attempts to drop tables that are not needed any more.
const DROP_EVERY: Duration = Duration::from_secs(10);
/// The lease for rebuilds: one process makes them, one after the other.
const LEASE: &str = "rebuild";

/// Makes every requested rebuild, and requests those that this program's versions need, until `stop`.
/// `owner` must be unique to the process; `applied` is raised when another generation serves.
pub async fn run(
    pool: PgPool,
    projections: Vec<Arc<dyn ReadModel>>,
    applied: Signal,
    owner: String,
    stop: CancellationToken,
) {
    let rebuilder = Rebuilder {
        pool,
        projections,
        applied,
        owner,
    };
    stop.run_until_cancelled(rebuilder.run()).await;
}

struct Rebuilder {
    pool: PgPool,
    projections: Vec<Arc<dyn ReadModel>>,
    applied: Signal,
    owner: String,
}

impl Rebuilder {
    async fn run(&self) {
        let mut dropped: Option<Instant> = None;
        loop {
            if let Err(error) = self.work(&mut dropped).await {
                tracing::warn!(why = format!("{error:#}"), "rebuild failed; retrying");
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Requests the rebuilds that versions need, and does the pending work under the lease.
    async fn work(&self, dropped: &mut Option<Instant>) -> anyhow::Result<()> {
        let names: Vec<_> = self.projections.iter().map(|p| p.name()).collect();
        let generations = generation::list(&self.pool, &names).await?;
        self.request_for_risen_versions(&generations).await?;
        let is_droppable = |g: &Generation| !g.state.is_in_use() && !g.is_dropped;
        let may_drop = generations.iter().any(is_droppable)
            && dropped.is_none_or(|last| last.elapsed() > DROP_EVERY);
        let building: Vec<_> = generations
            .iter()
            .filter(|g| g.state == GenerationState::Building && !g.is_paused)
            .filter_map(|g| Some((self.projection_of(g)?, g.generation)))
            .collect();
        if building.is_empty() && !may_drop {
            return Ok(());
        }
        let Some(lease) = lease::acquire(&self.pool, LEASE, &self.owner).await? else {
            return Ok(());
        };
        let work = async {
            if may_drop {
                *dropped = Some(Instant::now());
                drop::drop_what_is_gone(&self.pool).await?;
            }
            for (projection, generation) in building {
                // One that fails must not stop the others.
                match build(&self.pool, projection, generation).await {
                    Ok(()) => self.applied.raise(),
                    Err(error) => tracing::warn!(
                        projection = projection.name(),
                        generation,
                        why = format!("{error:#}"),
                        "rebuild failed; retrying"
                    ),
                }
            }
            Ok(())
        };
        let done = tokio::select! {
            done = work => done,
            lost = self.keep(&lease) => Err(lost.into()),
        };
        lease::release(&self.pool, &lease).await?;
        done
    }

    /// Returns the projection that builds a generation: code of another version would make other rows.
    fn projection_of(&self, generation: &Generation) -> Option<&dyn ReadModel> {
        let mut projections = self.projections.iter();
        let projection = projections
            .find(|p| p.name() == generation.consumer && p.version() == generation.version);
        projection.map(|projection| &**projection)
    }

    /// Renews the lease; returns when it is lost.
    async fn keep(&self, lease: &Lease) -> StoreError {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            match lease::renew(&self.pool, lease).await {
                Ok(()) => {}
                Err(fenced @ StoreError::Fenced { .. }) => return fenced,
                // If it lasts, another process takes over; the checkpoints keep the two apart.
                Err(error) => tracing::debug!(%error, "the lease for rebuilds was not renewed"),
            }
        }
    }

    /// Requests a generation of each projection whose code is newer than the generation that serves.
    /// Requests none if one of this version is being built, or was built and was wrong or given up. In
    /// the last two cases an operator has to look first.
    async fn request_for_risen_versions(&self, known: &[Generation]) -> anyhow::Result<()> {
        for projection in &self.projections {
            let its = || known.iter().filter(|g| g.consumer == projection.name());
            let Some(serving) = its().find(|g| g.state == GenerationState::Serving) else {
                continue;
            };
            let was_tried = its()
                .any(|g| g.generation > serving.generation && g.version >= projection.version());
            if serving.version >= projection.version() || was_tried {
                continue;
            }
            let reason = format!("its version rose to {}", projection.version());
            match request(&self.pool, projection.as_ref(), "clustergenie", &reason).await {
                // Another process was faster.
                Ok(_) | Err(RequestError::InTheMaking { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
