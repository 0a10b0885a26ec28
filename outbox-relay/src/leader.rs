//! Plays a role that one process at a time may play: as long as the lease lasts, and again and again.
//!
//! The lease only decides who should play. That an old player changes nothing holds without it, whatever
//! it does after it was paused, cut off or slow, because everything it writes is refused where it is
//! written:
//!
//! - *The sequencer* writes in one statement that moves the head of the log by compare-and-set on position
//!   and epoch. It holds no transaction open between statements, so one that is stopped in the middle
//!   leaves a statement that ends by itself, before or after the other took over, and in the second case
//!   without effect. What it has read, it reads anew when it leads again.
//! - *The publisher* writes to Kafka under a transactional id that the next one has fenced before it reads
//!   where to go on, and to Postgres only while its epoch is the last (see `held` for the order). One that
//!   is stopped in the middle of a transaction blocks readers of what is committed until the next one
//!   begins; where there is none, until Kafka ends the transaction by itself after a minute. Then its own
//!   commit fails when it wakes, and it begins anew at the record, under a new epoch of Kafka.
//! - *A thread that waits for Kafka* cannot be stopped, so it may outlive the turn that began it. It
//!   writes one transaction at most, which is whole, and the next turn fences it like another process's;
//!   if it fences the next turn instead, by beginning late, that one fails and takes over once more, while
//!   nobody uses what the thread began.
//!
//! *Postgres that does not answer*, because it is paused or the network is, is the one thing that nobody
//! else ends: so every statement about the lease has a time in which it must be answered. A turn whose
//! lease cannot be renewed for so long ends, and says why. Refused connections and names that do not
//! resolve are errors at once, and are retried with pauses.

use std::future::Future;
use std::time::Duration;

use event_store::backoff::Backoff;
use event_store::consume::lease::{self, Lease, RENEW_EVERY, TRY_EVERY};
use event_store::error::StoreError;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::health::{Role, State};

/// How long Postgres may take to answer about a lease. Longer than the lease lasts, so that a Postgres that
/// is merely slow does not end the turn of one that nobody wants to replace.
const ANSWER: Duration = Duration::from_secs(5);

/// Who plays, and where.
pub(crate) struct LeaderLoop<'a> {
    pub(crate) pool: &'a PgPool,
    pub(crate) role: &'a Role,
    /// Unique to the process.
    pub(crate) owner: &'a str,
    pub(crate) stop: &'a CancellationToken,
}

impl LeaderLoop<'_> {
    /// Takes the lease whenever it is free and does the work under it, until `stop`. The work ends by
    /// itself soon after `stop`; it is dropped when the lease is lost, and begun anew when it fails,
    /// after a pause that grows with every failure in a row. `stand_by` is called whenever another
    /// process turns out to do the work, before the role says so.
    pub(crate) async fn run<F>(&self, mut work: impl FnMut(Lease) -> F, stand_by: impl Fn())
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let mut pause = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        while !self.stop.is_cancelled() {
            let wait = match self.lead_once(&mut work).await {
                Ok(Term::Ended) => continue,
                Ok(Term::Standby) => {
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
                    pause.next_pause()
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    async fn lead_once<F>(&self, work: &mut impl FnMut(Lease) -> F) -> anyhow::Result<Term>
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let taking = lease::acquire(self.pool, self.role.name(), self.owner);
        let Some(lease) = in_time("taking a lease", taking).await? else {
            return Ok(Term::Standby);
        };
        let ended = tokio::select! {
            ended = work(lease.clone()) => ended,
            // There is nothing to give back, or nobody to take it: it expires by itself.
            lost = self.keep(&lease) => return Err(lost.into()),
        };
        let giving_back = lease::release(self.pool, &lease);
        if let Err(error) = in_time("giving a lease back", giving_back).await {
            tracing::debug!(%error, "a lease was not given back");
        }
        ended.map(|()| Term::Ended)
    }

    /// Renews the lease until it is lost.
    async fn keep(&self, lease: &Lease) -> StoreError {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            let renewing = lease::renew(self.pool, lease);
            if let Err(lost) = in_time("renewing a lease", renewing).await {
                return lost;
            }
        }
    }
}

/// Gives up what Postgres does not answer in time. A connection that owes an answer goes back to the pool
/// when it has given it.
async fn in_time<T>(
    doing: &'static str,
    asking: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Unavailable {
            doing,
            source: sqlx::Error::Protocol(format!(
                "Postgres has not answered within {} s",
                ANSWER.as_secs()
            )),
        }),
    }
}

enum Term {
    /// Another process holds the lease.
    Standby,
    /// The work is done, because it was asked to stop.
    Ended,
}
