//! The copy of the log in an EventStoreDB or KurrentDB server, in programs that are built with the feature
//! `archive`.

use event_store::consume::wake::Wake;
use sqlx::PgPool;

use crate::config::Archive;
#[cfg(feature = "archive")]
use crate::tasks::Stage;
use crate::tasks::Tasks;

/// Starts the copy of the log, if the settings name an archive. Several processes may copy to the same
/// archive: they repeat each other's work, but write each event once.
///
/// # Errors
/// When the settings name an archive and this program was built without the feature `archive`.
pub(crate) fn start(
    tasks: &mut Tasks,
    pool: &PgPool,
    wake: &Wake,
    archive: &Archive,
) -> anyhow::Result<()> {
    match archive.archive.clone() {
        Some(url) => copy(tasks, pool, wake, url),
        None => Ok(()),
    }
}

#[cfg(feature = "archive")]
fn copy(tasks: &mut Tasks, pool: &PgPool, wake: &Wake, url: String) -> anyhow::Result<()> {
    let (pool, sequenced) = (pool.clone(), wake.sequenced.clone());
    tasks.spawn(Stage::Follow, "archive", |stop| async move {
        outbox_relay::archive::run(pool, &url, sequenced, stop).await
    });
    Ok(())
}

#[cfg(not(feature = "archive"))]
fn copy(_: &mut Tasks, _: &PgPool, _: &Wake, _: String) -> anyhow::Result<()> {
    anyhow::bail!(
        "--archive (CLUSTERGENIE_ARCHIVE) is set, and this program was built without it: build it with \
         `cargo build --release -p clustergenie --features archive`, or unset it"
    )
}
