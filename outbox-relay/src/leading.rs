//! Plays a role that one process at a time may play: as long as the lease lasts, and again and again.

use std::future::Future;
use std::time::Duration;

use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff;
use event_store::error::StoreError;
use event_store::lease::{self, Lease, RENEW_EVERY, TRY_EVERY};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::health::{Role, State};

/// Who plays, and where.
pub(crate) struct Player<'a> {
    pub(crate) pool: &'a PgPool,
    pub(crate) role: &'a Role,
    /// Unique to the process.
    pub(crate) owner: &'a str,
    pub(crate) stop: &'a CancellationToken,
}

impl Player<'_> {
    /// Takes the lease whenever it is free and does the work under it, until `stop`. The work ends by
    /// itself soon after `stop`; it is dropped when the lease is lost, and begun anew when it fails,
    /// after a pause that grows with every failure in a row. `stand_by` is called whenever another
    /// process turns out to do the work, before the role says so.
    pub(crate) async fn run<F>(&self, mut work: impl FnMut(Lease) -> F, stand_by: impl Fn())
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let mut pause = ExponentialBackoffBuilder::new()
            .with_initial_interval(Duration::from_millis(50))
            .with_max_interval(Duration::from_secs(2))
            .with_max_elapsed_time(None)
            .build();
        while !self.stop.is_cancelled() {
            let wait = match self.lead_once(&mut work).await {
                Ok(Turn::Ended) => continue,
                Ok(Turn::Standby) => {
                    stand_by();
                    self.role.becomes(State::Standby);
                    TRY_EVERY
                }
                Err(error) => {
                    if self.role.condition().state == State::Leading {
                        pause.reset();
                    }
                    let why = format!("{error:#}");
                    self.role.becomes(State::Failing { why });
                    pause.next_backoff().unwrap_or(TRY_EVERY)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    async fn lead_once<F>(&self, work: &mut impl FnMut(Lease) -> F) -> anyhow::Result<Turn>
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let Some(lease) = lease::acquire(self.pool, self.role.name(), self.owner).await? else {
            return Ok(Turn::Standby);
        };
        let ended = tokio::select! {
            ended = work(lease.clone()) => ended,
            lost = self.keep(&lease) => Err(lost.into()),
        };
        // Left to expire when Postgres does not answer.
        if let Err(error) = lease::release(self.pool, &lease).await {
            tracing::debug!(%error, "a lease was not given back");
        }
        ended.map(|()| Turn::Ended)
    }

    /// Renews the lease until it is lost.
    async fn keep(&self, lease: &Lease) -> StoreError {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            if let Err(lost) = lease::renew(self.pool, lease).await {
                return lost;
            }
        }
    }
}

enum Turn {
    /// Another process holds the lease.
    Standby,
    /// The work is done, because it was asked to stop.
    Ended,
}
