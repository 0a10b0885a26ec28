//! Waits for a rebuild, reporting its progress on standard error.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::bail;
use event_store::consume::generation::GenerationState;
use projections::operations::Operations;
use projections::status::{ConsumerStatus, State};
use tokio::time::Instant;

use super::text;
use crate::tasks::Signals;

/// Poll interval for progress.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Waits until a rebuild is live. Returns a sentence about the result.
///
/// # Errors
/// When the rebuild failed or was cancelled, or the wait was interrupted.
pub(super) async fn until_live(
    operations: &Operations,
    name: &str,
    generation: i32,
) -> anyhow::Result<String> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        result = watch(operations, name, generation) => result,
        _ = signals.next() => bail!(
            "stopped waiting; the rebuild of {name} (generation {generation}) continues: \
             `clustergenie projections` shows its progress, `clustergenie projections give-up {name}` \
             cancels it"
        ),
    }
}

async fn watch(operations: &Operations, name: &str, generation: i32) -> anyhow::Result<String> {
    let begun = Instant::now();
    let mut reported = String::new();
    loop {
        let state = operations.state_of(name, generation).await?;
        match state {
            Some(GenerationState::Building) => {}
            Some(GenerationState::Serving) => {
                let took = begun.elapsed().as_secs_f64();
                let parked = match operations.status(name).await?.parked_streams {
                    0 => String::new(),
                    parked => format!(", with {parked} parked streams"),
                };
                return Ok(format!(
                    "the rebuild of {name} is live: generation {generation}, after {took:.1} s{parked}"
                ));
            }
            Some(GenerationState::Failed) => {
                let failed = operations.status(name).await?.failed;
                let fault = failed.map(|failed| format!(": {}", text::fault(&failed)));
                bail!(
                    "the rebuild of {name} (generation {generation}) failed{}; \
                     `clustergenie projections --json` shows the first differences",
                    fault.unwrap_or_default()
                )
            }
            Some(GenerationState::Retired) | None => {
                bail!("the rebuild of {name} (generation {generation}) was cancelled")
            }
        }
        let now = sentence(&operations.status(name).await?);
        if now != reported {
            // Progress is optional: standard error may be closed.
            let _ = writeln!(io::stderr(), "{now}");
            reported = now;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn sentence(status: &ConsumerStatus) -> String {
    let Some(building) = &status.building else {
        return format!("{}: finished", status.name);
    };
    let progress = text::progress(building);
    match &status.state {
        State::Paused { by, reason, .. } => format!(
            "{}: {progress}; waiting, paused by {by}: {reason}",
            status.name
        ),
        State::Following | State::OtherVersion { .. } => format!("{}: {progress}", status.name),
    }
}
