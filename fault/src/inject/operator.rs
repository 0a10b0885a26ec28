//! An operator's actions on projections during the faults, through `clustergenie projections`.

use std::time::Duration;

use anyhow::{anyhow, bail};
use tokio::time::{Instant, sleep};

use super::Injector;
use crate::not_possible::NotPossible;

/// Longest time to retry a resume, while Postgres may go down repeatedly.
const PATIENCE: Duration = Duration::from_secs(180);
/// Delay between two attempts to resume.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Messages of justified refusals: the database is down or full, or another rebuild runs.
const REFUSALS: [&str; 8] = [
    "No space left on device",
    "error communicating with database",
    "is being built already",
    "is being rebuilt already",
    "pool timed out",
    "statement timeout",
    "terminating connection",
    "the database system is",
];

impl Injector {
    /// Runs `clustergenie projections`.
    ///
    /// # Errors
    /// When the command fails. The error is [`NotPossible`] for a justified refusal.
    pub(super) async fn operate(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let url = format!("--database-url={}", self.platform.address.url()?);
        let mut all = vec!["projections"];
        all.extend(arguments);
        all.push(&url);
        let output = self.platform.output(&all).await?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        // A panic or a kill is no refusal, whatever the log contains.
        if output.status.code() == Some(1) && is_refusal(said) {
            return Err(NotPossible::new(said).into());
        }
        bail!("`projections {}`: {}: {said}", arguments[0], output.status)
    }

    /// Pauses a projection and resumes it. The projection is resumed after any answer, because a pause may be
    /// in effect although its answer was lost.
    pub(super) async fn pause_projection(
        &self,
        projection: &str,
        lasts: u64,
    ) -> anyhow::Result<()> {
        let paused = self
            .operate(&["pause", projection, "--reason=a fault"])
            .await;
        if paused.is_ok() {
            sleep(Duration::from_millis(lasts)).await;
        }
        self.resume(projection).await?;
        paused
    }

    /// Resumes a projection, with retries while the database is down.
    async fn resume(&self, projection: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            match self.operate(&["resume", projection]).await {
                Ok(()) => return Ok(()),
                // No fault explains such a long failure.
                Err(error) if begun.elapsed() > PATIENCE => {
                    return Err(anyhow!("`{projection}` cannot be resumed: {error:#}"));
                }
                Err(_) => sleep(RETRY_DELAY).await,
            }
        }
    }
}

fn is_refusal(said: &str) -> bool {
    REFUSALS.iter().any(|refusal| said.contains(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_not_understood_refuses_nothing() {
        for (said, refuses) in [
            (
                "clustergenie: generation 3 of `jobs` is being built already: wait for it, or give it up \
                 first",
                true,
            ),
            (
                "clustergenie: the database cannot be used: check --database-url \
                 (CLUSTERGENIE_DATABASE_URL): pool timed out while waiting for an open connection",
                true,
            ),
            ("error: unexpected argument '--reason' found", false),
            (
                "clustergenie: the projections cannot be operated now: error returned from database: \
                 relation \"es.paused\" does not exist",
                false,
            ),
        ] {
            assert_eq!(is_refusal(said), refuses, "{said}");
        }
    }
}
