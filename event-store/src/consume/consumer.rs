//! Consumers of recorded events, and their execution: batch by batch, rows and checkpoint in one
//! transaction.
//!
//! A worker that was paused, or that lost its partition, cannot do harm. Its checkpoint does not move any
//! more, and its transaction is rolled back. An event that cannot be applied is parked with its stream
//! ([`crate::consume::parked`]). All other streams are applied as usual.

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

/// A consumer of recorded events: a projection, or the to-do list of a process manager.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Returns the name of the consumer, such as `droplets`, under which its checkpoints are stored.
    fn name(&self) -> &'static str;

    /// Returns the version of the consumer's code. Raise it when the same events are to give other rows:
    /// the tables are then rebuilt from the first event on.
    fn version(&self) -> i32;

    /// Returns the way in which the consumer's tables are rebuilt.
    fn rebuild(&self) -> Rebuild {
        Rebuild::BesideServing
    }

    /// Returns the types of the streams whose events the consumer applies.
    fn stream_types(&self) -> &'static [StreamType];

    /// Writes the rows that follow from the events, within the given transaction and nowhere else. The
    /// events are in order within each stream, and none of them was applied before. Tables that have
    /// generations are named without a schema: the transaction finds those of its generation.
    ///
    /// # Errors
    /// [`ApplyError`]; the transaction is rolled back.
    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError>;

    /// Wakes other tasks after a commit. Called with the events that were just committed. Must not fail or
    /// block.
    fn committed(&self, _events: &[Positioned<Recorded>]) {}
}

/// The way in which the tables of a consumer are rebuilt when its version was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// A rebuild as tables of a new generation, which are filled beside those that serve and then serve
    /// instead. For read models.
    BesideServing,
    /// A rebuild in the same tables: they are cleared, and the consumer applies all events again. Until it
    /// has caught up, the tables show an earlier state. For lists that only workers of this program read.
    InPlace {
        /// The statement that clears the tables. It names the tables with their schema.
        clear: &'static str,
    },
}

/// The classes of Postgres's errors that are not the fault of an event: connections (08), transactions and cursors
/// (24, 25, 26, 34, 3B), logins (28), databases and schemas (3D, 3F), lost races (40), missing tables and rights (42),
/// resources (53), locks and states (55), shutdown and timeouts (57), the system (58), settings (F0), and bugs (XX).
/// See [PostgreSQL Error Codes](https://www.postgresql.org/docs/current/errcodes-appendix.html).
const PASSING_CLASSES: [&str; 17] = [
    "08", "24", "25", "26", "28", "34", "3B", "3D", "3F", "40", "42", "53", "55", "57", "58", "F0",
    "XX",
];

/// The reason why events were not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Postgres rejected the rows or failed. Rejections of the data itself park the stream, other failures
    /// are retried.
    #[error("the rows could not be written")]
    Rows(#[from] sqlx::Error),
    /// The event makes no sense here, which parks the stream.
    #[error("{0}")]
    Event(String),
}

impl ApplyError {
    /// Returns true if a retry could help, or if other events would fail alike. If not, the event is at fault.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Event(_) => false,
            Self::Rows(sqlx::Error::Database(error)) => error
                .code()
                .is_none_or(|code| PASSING_CLASSES.contains(&code.get(..2).unwrap_or_default())),
            Self::Rows(
                sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. },
            ) => false,
            Self::Rows(_) => true,
        }
    }
}

/// Applies batches to the generation that serves until `stop`, and retries failures for ever with growing
/// pauses. Retries parked streams first: this program may be able to apply what parked them.
pub async fn run(
    pool: PgPool,
    consumer: &dyn Consumer,
    source: &mut dyn Source,
    stop: CancellationToken,
) {
    stop.run_until_cancelled(Runner::new(&pool, consumer).run(source))
        .await;
}
