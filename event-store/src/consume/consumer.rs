//! Runs a consumer over a source: rows and checkpoint in one transaction, again and again.
//!
//! A worker that was paused, or that lost its partition, cannot do harm: its checkpoint does not move
//! any more, and its transaction is rolled back. An event that cannot be applied is parked with its
//! stream ([`crate::consume::parked`]); nothing else stops.

use async_trait::async_trait;
use domain::stream_type::StreamType;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::consume::source::Source;
use crate::envelope::{Positioned, Recorded};

mod apply;
mod runner;

pub use self::apply::apply_batch;

pub(crate) use self::apply::passing;

use self::runner::Runner;

/// Whoever follows recorded events: a projection, or the to-do list of a process manager.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Its name, such as `droplets`: whose checkpoints these are.
    fn name(&self) -> &'static str;

    /// The version of what it makes of events. Raise it when the same events are to give other rows: its
    /// tables are then rebuilt from the first event on.
    fn version(&self) -> i32;

    /// How its tables are rebuilt.
    fn rebuild(&self) -> Rebuild {
        Rebuild::BesideServing
    }

    /// The streams whose events it wants.
    fn stream_types(&self) -> &'static [StreamType];

    /// Writes what the events mean, within the given transaction and nowhere else. The events are in
    /// order within each stream, and none of them was applied before. Tables that have generations are
    /// to be called by their bare names: the transaction finds those of the right one.
    ///
    /// # Errors
    /// [`ApplyError`]; the transaction is rolled back.
    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError>;

    /// Hears of what has just been committed, for waking others; must not fail or block.
    fn committed(&self, _events: &[Positioned<Recorded>]) {}
}

/// How the tables of a consumer are rebuilt when its version was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// As tables of a new generation, which are filled beside those that serve and then take their place. For
    /// what clients read.
    BesideServing,
    /// In the same tables: they are cleared, and the consumer applies all events again. Until it has caught
    /// up they show an earlier state of things. For lists that only this program works off.
    InPlace {
        /// The statement that clears them. It names the tables with their schema.
        clear: &'static str,
    },
}

/// Why events were not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Postgres refused or failed. Refusals of the data itself park the stream, others are retried.
    #[error("the rows could not be written")]
    Rows(#[from] sqlx::Error),
    /// The event makes no sense here; parks the stream.
    #[error("{0}")]
    Event(String),
}

impl ApplyError {
    /// Whether trying again could help: if not, the event is at fault.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Event(_) => false,
            Self::Rows(sqlx::Error::Database(error)) => {
                // Class 22 data exception, 23 integrity violation, P0 raised by a function: the
                // event's own fault. Everything else (locks, shutdown, disk, missing table) passes.
                !error
                    .code()
                    .is_some_and(|code| matches!(&code[..2], "22" | "23" | "P0"))
            }
            Self::Rows(sqlx::Error::Encode(_)) => false,
            Self::Rows(_) => true,
        }
    }
}

/// Applies batches until `stop`, to the generation that serves, retrying for ever with growing pauses when
/// something fails. Tries parked streams first: this program may know what the one that parked them did not.
pub async fn run(
    pool: PgPool,
    consumer: &dyn Consumer,
    source: &mut dyn Source,
    stop: CancellationToken,
) {
    stop.run_until_cancelled(Runner::new(&pool, consumer).run(source))
        .await;
}
