//! Makes the tables of a projection anew, beside those that serve, and puts them in their place.
//!
//! What it promises:
//! - queries never fail and never see two generations mixed: the views of clients are pointed to the new
//!   tables in one transaction, which waits only briefly for those who read, and tries again;
//! - nobody sees less than before: the new generation has applied at least what the old one has, shard by
//!   shard, when it takes its place;
//! - it serves only after every row was found equal to a fresh fold of the log (`crate::compare`), and if it
//!   could apply every event that the old one has applied;
//! - whoever makes it may be killed at any point: the old generation serves, and the next process that runs
//!   this goes on from the checkpoints. Two at once do no harm: checkpoints move by compare-and-set;
//! - nothing but tables is written: hints, jobs and commands do not come from a rebuild.
//!
//! A rebuild is asked for ([`request()`]) by an operator, or by a program whose code has a higher version
//! than the generation that serves. It is done by whichever process holds the lease for that.

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

/// How often it is looked whether there is something to do.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How often tables that nobody needs any more are tried to be dropped.
const DROP_EVERY: Duration = Duration::from_secs(10);
/// The lease: rebuilds are made one after the other, by one process.
const LEASE: &str = "rebuild";

/// Makes every rebuild that is asked for, and asks for those that this program's versions need, until
/// `stop`. `owner` must be unique to the process; `applied` is raised when another generation serves.
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
                tracing::warn!(
                    why = format!("{error:#}"),
                    "read models are not made anew now; this is tried again"
                );
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Does what there is to do, under the lease.
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
                        "a read model is not made anew now; this is tried again"
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

    /// The projection that makes a generation: code of another version would make other rows.
    fn projection_of(&self, generation: &Generation) -> Option<&dyn ReadModel> {
        let mut projections = self.projections.iter();
        let projection = projections
            .find(|p| p.name() == generation.consumer && p.version() == generation.version);
        projection.map(|projection| &**projection)
    }

    /// Keeps the lease; returns when it is lost.
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

    /// Asks for a generation of each projection whose code is newer than what serves, unless one of this
    /// version is being made, or was made and was wrong or given up: then people have to look first.
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
