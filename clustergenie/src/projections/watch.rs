//! Watching a rebuild until it ends.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::bail;
use event_store::consume::generation::GenerationState;
use projections::operations::Operations;
use projections::status::{ConsumerStatus, State};
use tokio::time::Instant;

use super::text;
use crate::tasks::Signals;

/// How often it is looked how far it is.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Waits until a generation serves, telling on standard error how far it is; gives a sentence about its end.
///
/// # Errors
/// When it failed or was given up, and when one does not want to wait any more.
pub(super) async fn until_it_serves(
    operating: &Operations,
    name: &str,
    generation: i32,
) -> anyhow::Result<String> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        end = watch(operating, name, generation) => end,
        _ = signals.next() => bail!(
            "nobody watches any more, but generation {generation} of {name} is still being made: \
             `clustergenie projections` shows how far it is, `clustergenie projections give-up {name}` \
             ends it"
        ),
    }
}

async fn watch(operating: &Operations, name: &str, generation: i32) -> anyhow::Result<String> {
    let begun = Instant::now();
    let mut told = String::new();
    loop {
        let state = operating.state_of(name, generation).await?;
        match state {
            Some(GenerationState::Building) => {}
            Some(GenerationState::Serving) => {
                let took = begun.elapsed().as_secs_f64();
                let parked = match operating.status(name).await?.parked_streams {
                    0 => String::new(),
                    parked => format!(", with {parked} parked streams"),
                };
                return Ok(format!(
                    "generation {generation} of {name} serves, after {took:.1} s{parked}"
                ));
            }
            Some(GenerationState::Failed) => {
                let failed = operating.status(name).await?.failed;
                let fault = failed.map(|failed| format!(": {}", text::fault(&failed)));
                bail!(
                    "generation {generation} of {name} was found wrong, and will not serve{}; \
                     `clustergenie projections --json` shows the first of what is wrong",
                    fault.unwrap_or_default()
                )
            }
            Some(GenerationState::Retired) | None => {
                bail!("generation {generation} of {name} was given up")
            }
        }
        let now = sentence(&operating.status(name).await?);
        if now != told {
            // Who closed standard error does not want to know.
            let _ = writeln!(io::stderr(), "{now}");
            told = now;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn sentence(status: &ConsumerStatus) -> String {
    let Some(building) = &status.building else {
        return format!("{}: at its end", status.name);
    };
    let progress = text::progress(building);
    match &status.state {
        State::Paused { by, reason, .. } => format!(
            "{}: {progress}; it waits, because {by} paused it: {reason}",
            status.name
        ),
        State::Following | State::OtherVersion { .. } => format!("{}: {progress}", status.name),
    }
}
