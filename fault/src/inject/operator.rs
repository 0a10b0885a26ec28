//! What an operator does to projections meanwhile, by the program's own commands.

use std::time::Duration;

use anyhow::{anyhow, bail};
use tokio::time::{Instant, sleep};

use super::Injector;
use crate::refused::Refused;

/// For how long a projection is tried to be resumed while Postgres may be down again and again.
const PATIENCE: Duration = Duration::from_secs(180);
const APART: Duration = Duration::from_millis(500);

/// What the program says when it is right that it does not do it: the database is down or full, or
/// somebody was faster.
const REFUSALS: [&str; 7] = [
    "No space left on device",
    "error communicating with database",
    "is being made already",
    "pool timed out",
    "statement timeout",
    "terminating connection",
    "the database system is",
];

impl Injector {
    /// Runs `clustergenie projections`.
    ///
    /// # Errors
    /// When it fails; a known refusal if it says that the database is down, or that it is done already.
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
        // Whoever panics or is killed refuses nothing, whatever was said before.
        if output.status.code() == Some(1) && is_refusal(said) {
            return Err(Refused::new(said).into());
        }
        bail!("`projections {}`: {}: {said}", arguments[0], output.status)
    }

    /// Stops a projection and lets it go on. A pause whose answer is lost may have been made: whatever
    /// was answered, it is resumed, since nobody else would.
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

    /// Lets a projection go on, also when the database is away just then.
    async fn resume(&self, projection: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            match self.operate(&["resume", projection]).await {
                Ok(()) => return Ok(()),
                // It stays paused, which no fault explains any more.
                Err(error) if begun.elapsed() > PATIENCE => {
                    return Err(anyhow!("`{projection}` cannot be resumed: {error:#}"));
                }
                Err(_) => sleep(APART).await,
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
                "clustergenie: generation 3 of `jobs` is being made already: wait for it, or give it up \
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
