//! Makes the tables of a projection anew, beside those that serve, and puts them in their place.
//!
//! What it promises:
//! - queries never fail and never see two generations mixed: the views of clients are pointed to the new
//!   tables in one transaction, which waits only briefly for those who read, and tries again;
//! - nobody sees less than before: the new generation has applied at least what the old one has, shard by
//!   shard, when it takes its place;
//! - it serves only after every row was found equal to a fresh fold of the log (`crate::compare`);
//! - whoever makes it may be killed at any point: the old generation serves, and the next process that runs
//!   this goes on from the checkpoints. Two at once do no harm: checkpoints move by compare-and-set;
//! - nothing but tables is written: hints, jobs and commands do not come from a rebuild.
//!
//! A rebuild is asked for ([`request()`]) by an operator, or by a program whose code has a higher version
//! than the generation that serves. It is done by whichever process holds the lease for that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use event_store::consumer::Consumer;
use event_store::error::StoreError;
use event_store::lease::{self, Lease, RENEW_EVERY};
use event_store::wake::Signal;
use sqlx::{FromRow, PgPool};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

mod build;
mod drop;
mod fill;
mod request;
mod switch;

pub use self::request::{RequestError, give_up, request};

use self::build::build;

/// How often it is looked whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often tables that nobody needs any more are tried to be dropped.
const DROP_EVERY: Duration = Duration::from_secs(10);
/// The lease: rebuilds are made one after the other, by one process.
const LEASE: &str = "rebuild";

/// A generation, as far as it matters here.
#[derive(Debug, FromRow)]
struct Generation {
    consumer: String,
    generation: i32,
    version: i32,
    state: String,
}

/// Makes every rebuild that is asked for, and asks for those that this program's versions need, until
/// `stop`. `owner` must be unique to the process; `applied` is raised when another generation serves.
pub async fn run(
    pool: PgPool,
    projections: Vec<Arc<dyn Consumer>>,
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
    projections: Vec<Arc<dyn Consumer>>,
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
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Does what there is to do, under the lease.
    async fn work(&self, dropped: &mut Option<Instant>) -> anyhow::Result<()> {
        let generations = self.generations().await?;
        self.request_for_risen_versions(&generations).await?;
        let building = generations
            .iter()
            .filter(|g| g.state == "BUILDING")
            .find_map(|g| {
                let projection = self.projections.iter().find(|p| {
                    // Code of another version would make other rows.
                    p.name() == g.consumer && p.version() == g.version
                });
                projection.map(|projection| (projection, g.generation))
            });
        let gone = generations
            .iter()
            .any(|g| matches!(g.state.as_str(), "RETIRED" | "FAILED"));
        let may_drop = gone && dropped.is_none_or(|last| last.elapsed() > DROP_EVERY);
        if building.is_none() && !may_drop {
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
            if let Some((projection, generation)) = building {
                build(&self.pool, projection.as_ref(), generation).await?;
                self.applied.raise();
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

    /// The generations whose tables are there.
    async fn generations(&self) -> anyhow::Result<Vec<Generation>> {
        let names: Vec<_> = self.projections.iter().map(|p| p.name()).collect();
        sqlx::query_as(
            "select consumer, generation, version, state from es.generations \
             where consumer = any($1) and dropped_at is null order by begun_at",
        )
        .bind(names)
        .fetch_all(&self.pool)
        .await
        .context("the generations cannot be listed")
    }

    /// Asks for a generation of each projection whose code is newer than what serves, unless one of this
    /// version is being made, or was made and is wrong: then people have to look first.
    async fn request_for_risen_versions(&self, known: &[Generation]) -> anyhow::Result<()> {
        let mut newest: HashMap<&str, i32> = HashMap::new();
        for g in known.iter().filter(|g| g.state != "RETIRED") {
            let version = newest.entry(&g.consumer).or_default();
            *version = g.version.max(*version);
        }
        for projection in &self.projections {
            let version = newest.get(projection.name());
            if version.is_some_and(|version| *version < projection.version()) {
                let reason = format!("its version rose to {}", projection.version());
                match request(&self.pool, projection.as_ref(), "clustergenie", &reason).await {
                    // Another process was faster.
                    Ok(_) | Err(RequestError::InTheMaking { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}
