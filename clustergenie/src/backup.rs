//! `clustergenie backup`: backs up the data directory of a running `up`, while it runs.

use std::io::Write;

use anyhow::{Context, bail};

use crate::config::Backup;
use crate::postgres::backup::{self, Made};
use crate::tasks::Signals;

/// Makes a base backup and prints its directory, and a second line if it lacks the key for tokens.
///
/// # Errors
/// When no platform runs on the data directory, the backup fails, or on an interrupt. Then no backup was added.
pub(crate) async fn run(settings: Backup) -> anyhow::Result<()> {
    let Backup {
        data,
        backup,
        postgres_bin,
    } = settings;
    let mut signals = Signals::listen()?;
    let taken = tokio::select! {
        taken = backup::take(&data, &backup, postgres_bin.as_deref()) => taken?,
        signal = signals.next() => bail!("interrupted by {signal}: no backup was added"),
    };
    let Made { path, has_key } = taken;
    let mut said = path.display().to_string();
    if !has_key {
        said.push_str(
            "\nIt holds no key for tokens, because there is no `jwt.key` in the data directory: keep a copy of the key.",
        );
    }
    writeln!(std::io::stdout(), "{said}").context("the result cannot be printed")
}
