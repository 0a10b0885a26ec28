//! Runs the sequencer, which gives every appended event its position at once.
//!
//! [`Sequencer`] itself makes sure that nothing is lost, however it ends; this loop only decides when it
//! runs a step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::consume::wake::{POLL, Wake};
use event_store::lease::Lease;
use event_store::log::sequencer::Sequencer;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::health::{RelayHealth, State};
use crate::leader::LeaderLoop;

/// Poll interval while numbers are missing: their transactions may commit any moment, and the hint
/// that they did may have come before.
const MISSING_POLL: Duration = Duration::from_millis(50);

/// Sequences while this process holds the lease, until `stop`; a step that is under way is finished. Raises
/// [`Wake::sequenced`] to the head of the log after every step.
///
/// `owner` must be unique to the process. Failures are retried without end and reported to `health`.
pub async fn run(
    pool: PgPool,
    wake: Wake,
    owner: String,
    health: Arc<RelayHealth>,
    stop: CancellationToken,
) {
    let leader = LeaderLoop {
        pool: &pool,
        role: &health.sequencer,
        owner: &owner,
        stop: &stop,
    };
    leader
        .run(
            |lease| sequence(pool.clone(), lease, &wake, &health, &stop),
            || {},
        )
        .await;
}

async fn sequence(
    pool: PgPool,
    lease: Lease,
    wake: &Wake,
    health: &RelayHealth,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let before = wake.sequenced.value();
    let mut sequencer = Sequencer::take_over(pool, &lease).await?;
    // Less than before, if the database was restored meanwhile.
    wake.sequenced.found(before, sequencer.head().0);
    health.sequencer.becomes(State::Leading);
    while !stop.is_cancelled() {
        // Before the step, so that a hint that comes during the step is not lost.
        let seen = wake.appended.value();
        let started = Instant::now();
        let step = sequencer.step().await?;
        metrics::gauge!("clustergenie_log_head_position").set(step.head.0 as f64);
        metrics::gauge!("clustergenie_sequencer_missing").set(step.missing as f64);
        if step.sequenced > 0 {
            wake.sequenced.raise_to(step.head.0);
            metrics::counter!("clustergenie_sequencer_events_total")
                .increment(step.sequenced as u64);
            metrics::histogram!("clustergenie_sequencer_step_seconds")
                .record(started.elapsed().as_secs_f64());
        }
        if step.more {
            continue;
        }
        let patience = if step.missing > 0 { MISSING_POLL } else { POLL };
        tokio::select! {
            () = wake.appended.above(seen, patience) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}
