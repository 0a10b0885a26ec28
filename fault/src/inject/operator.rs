//! What an operator does to projections meanwhile, by the program's own commands.

use std::time::Duration;

use tokio::time::sleep;

use super::Injector;

/// How often a projection is tried to be resumed while Postgres may be down.
const TRIES: u32 = 60;
const APART: Duration = Duration::from_millis(500);

impl Injector {
    /// Runs `clustergenie projections`.
    pub(super) async fn operate(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let url = format!("--database-url={}", self.platform.address.url()?);
        let mut all = vec!["projections"];
        all.extend(arguments);
        all.push(&url);
        let output = self.platform.output(&all).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{}", said.trim());
        Ok(())
    }

    /// Lets a projection go on, also when the database is away just then: nobody else would.
    pub(super) async fn resume(&self, projection: &str) -> anyhow::Result<()> {
        let mut tries = 1;
        loop {
            match self.operate(&["resume", projection]).await {
                Ok(()) => return Ok(()),
                Err(error) if tries == TRIES => return Err(error),
                Err(_) => sleep(APART).await,
            }
            tries += 1;
        }
    }
}
