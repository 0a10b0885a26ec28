//! Publishes the log to Kafka as CloudEvents: every event exactly once, with positions ascending in
//! every partition.
//!
//! Kafka being down, at the start or later, stops only publishing. The log grows, `health` says why
//! nothing is published, and publishing resumes by itself at the record of progress.
//!
//! An event that Kafka refuses for good stops publishing. There is no second path around it, because an
//! event that came late would break the order of positions. `health`, the log and `/readyz` name the
//! event, Kafka's reason and the remedy. The publisher keeps the lease and retries every 10 seconds, and
//! at once after a restart. The first attempt that Kafka takes resumes publishing, with nothing lost.

use std::sync::Arc;
use std::time::Duration;

use event_store::cloudevent::Topics;
use event_store::consume::wake::Wake;
use event_store::envelope::Position;
use event_store::lease::Lease;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

mod batch_size;
mod resume;
mod session;
mod transaction;
mod writer;

use self::session::{End, Session};
use crate::health::RelayHealth;
use crate::lag;
use crate::leader::LeaderLoop;

/// Pause before the next attempt at an event that Kafka refused for good. Topics are checked first, so a
/// limit that was raised is noticed within this time.
const REFUSED_RETRY: Duration = Duration::from_secs(10);

/// The Kafka that is published to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The addresses of the brokers.
    pub brokers: String,
    /// The topics of the log.
    pub topics: Topics,
    /// The position from which to publish again, where only an operator can say it: when the topics lost everything, or
    /// another server or database published to them.
    pub republish_from: Option<Position>,
}

/// Publishes while this process holds the lease, until `stop`; a transaction that is under way is
/// finished if Kafka answers. Also measures the lag of Kafka behind the log.
///
/// `owner` must be unique to the process. Failures are retried without end and reported to `health`.
pub async fn run(
    pool: PgPool,
    target: Target,
    wake: Wake,
    owner: String,
    health: Arc<RelayHealth>,
    stop: CancellationToken,
) {
    let leader = LeaderLoop {
        pool: &pool,
        role: &health.publisher,
        owner: &owner,
        stop: &stop,
    };
    let publish = |lease: Lease| {
        let relay = session::Relay {
            pool: pool.clone(),
            target: target.clone(),
            health: Arc::clone(&health),
            stop: stop.clone(),
        };
        let wake = wake.clone();
        async move { lead(relay, lease, wake).await }
    };
    tokio::join!(
        leader.run(publish, || health.another_publishes()),
        lag::run(&pool, &health, &stop)
    );
}

/// Publishes until `stop` or a failure, one session after the other.
async fn lead(relay: session::Relay, lease: Lease, wake: Wake) -> anyhow::Result<()> {
    loop {
        let session = async {
            let session = Session::take_over(relay.clone(), lease.clone()).await?;
            session.run(&wake).await
        };
        match session.await {
            Ok(End::Stopped) => return Ok(()),
            Ok(End::Refused(refusal)) => {
                tracing::error!(
                    stream.id = %refusal.stream.uuid,
                    position = refusal.position.0,
                    retry_seconds = REFUSED_RETRY.as_secs(),
                    "{refusal}"
                );
                relay.health.refused_for_good(refusal);
            }
            // A later failure does not hide which event is refused.
            Err(error) => {
                return Err(match relay.health.refused() {
                    Some(refusal) => error.context(refusal.to_string()),
                    None => error,
                });
            }
        }
        let pause = tokio::time::sleep(REFUSED_RETRY);
        if relay.stop.run_until_cancelled(pause).await.is_none() {
            return Ok(());
        }
    }
}
