//! Runs a task on the elected leader while it holds the lease, and rejoins the election when it loses
//! it.
//!
//! The lease only decides who should lead. An old leader changes nothing, whatever it does after it was
//! paused, cut off or slow. The reason is that everything that it writes is refused where it is written:
//!
//! - *The sequencer* writes in one statement that moves the head of the log by compare-and-set on
//!   position and epoch. It holds no transaction open between statements. A leader that is stopped
//!   leaves at most one statement, which ends by itself: before the other took over, or after, and then
//!   without effect. What it has read, it reads again when it leads again.
//! - *The publisher* writes to Kafka under a transactional id. The next one fences that id before it
//!   reads the record of progress. A publisher that stops in a transaction blocks readers of committed
//!   messages until the next one starts, or Kafka ends the transaction after a minute. When it wakes,
//!   its own commit fails, and it starts again from the record, under a new epoch of Kafka.
//! - *A thread that waits for Kafka* cannot be stopped, so it may outlive its term. It sends to
//!   one transaction at most, or commits it whole, and the next term fences it like another process. If it starts
//!   late and fences the next term instead, that one fails and takes over once more, while nobody uses
//!   what the thread started.
//!
//! *Postgres that does not answer*, because it is paused or the network is, is the one case that nobody
//! else ends. So every statement about the lease has a timeout. A term whose lease cannot be renewed in
//! time ends, and says why. Refused connections and names that do not resolve are errors at once, and
//! are retried with pauses.

use std::future::Future;
use std::time::Duration;

use event_store::backoff::Backoff;
use event_store::error::StoreError;
use event_store::lease::{self, Lease, RENEW_EVERY, TRY_EVERY};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::health::{Role, State};
use crate::kafka_diagnostics::Reported;

/// The timeout of a statement about the lease. Longer than the lease lasts, so that a Postgres that is merely
/// slow does not end the term of a leader that nobody replaces.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// A candidate for leading a role.
pub(crate) struct LeaderLoop<'a> {
    pub(crate) pool: &'a PgPool,
    pub(crate) role: &'a Role,
    /// The owner of the lease, unique to the process.
    pub(crate) owner: &'a str,
    pub(crate) stop: &'a CancellationToken,
}

impl LeaderLoop<'_> {
    /// Takes the lease whenever it is free and does the work under it, until `stop`.
    ///
    /// The work ends by itself soon after `stop`. It is dropped when the lease is lost. When it fails, it is
    /// started again, after a pause that grows with every failure in a row. `stand_by` is called whenever
    /// another process leads, before the role says so.
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
                    let failing = State::Failing { why: told(&error) };
                    if self.role.condition().state != failing {
                        let error = format!("{error:#}");
                        tracing::warn!(role = self.role.name(), error, "the work of a role failed");
                    }
                    self.role.becomes(failing);
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
            // The lease is another's by now, or expires by itself.
            lost = self.keep(&lease) => return Err(lost.into()),
        };
        let release = lease::release(self.pool, &lease);
        if let Err(error) = in_time("releasing a lease", release).await {
            tracing::debug!(%error, "lease not released; it expires");
        }
        ended.map(|()| Term::Ended)
    }

    /// Renews the lease until it is lost, and returns the reason.
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

/// Gives up a statement that Postgres does not answer within the timeout. The connection goes back to
/// the pool when it has got the answer.
async fn in_time<T>(
    doing: &'static str,
    asking: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(STATEMENT_TIMEOUT, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Unavailable {
            doing,
            source: sqlx::Error::Protocol(format!(
                "Postgres has not answered within {} s",
                STATEMENT_TIMEOUT.as_secs()
            )),
        }),
    }
}

/// The end of an attempt to lead.
enum Term {
    /// Another process holds the lease.
    Standby,
    /// The work ended, because it was asked to stop.
    Ended,
}

/// Returns the reason of a failure as everybody may read it in `/readyz`: without what Postgres said and what the client
/// of Kafka reported, which name files, hosts and logins.
fn told(error: &anyhow::Error) -> String {
    let causes = error
        .chain()
        .take_while(|cause| !cause.is::<sqlx::Error>() && !cause.is::<Reported>())
        .map(ToString::to_string);
    causes.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn what_postgres_and_kafka_said_is_not_told() {
        let said = sqlx::Error::Protocol("could not open file \"/data/base/1/2\"".to_owned());
        let error = anyhow::Error::from(StoreError::Unavailable {
            doing: "taking a lease",
            source: said,
        });
        let why = told(&error);
        assert!(
            why.contains("taking a lease") && !why.contains("/data"),
            "{why}"
        );
        let reported = Reported("10.0.0.7:9092/bootstrap: Connection refused".to_owned());
        let error = anyhow::Error::new(reported).context("sending events: Flush error");
        assert_eq!(told(&error), "sending events: Flush error");
        let topics = anyhow!("the topic has 1 partition").context("checking the topics");
        assert_eq!(
            told(&topics),
            "checking the topics: the topic has 1 partition"
        );
    }
}
