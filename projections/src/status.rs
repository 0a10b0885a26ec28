//! How far the projections are, for clients and operators.

use event_store::envelope::Position;
use event_store::log;

use crate::consistency::ReadModels;
use crate::reader::{ReadError, Reader};
use crate::registry;

// Named by whoever shows a status; the API, for one, does not import the event store.
pub use event_store::consume::status::{Building, ConsumerStatus, Failed, Stage, State, each, of};

impl Reader {
    /// The last position of the log.
    ///
    /// # Errors
    /// [`ReadError::Store`].
    pub async fn head(&self) -> Result<Position, ReadError> {
        log::head(&self.store).await.map_err(ReadError::Store)
    }

    /// How far every projection is. A projection that never ran has applied nothing.
    ///
    /// # Errors
    /// [`ReadError::Store`].
    pub async fn projections(&self) -> Result<Vec<ConsumerStatus>, ReadError> {
        of(&self.store, &each(&registry::consumers()))
            .await
            .map_err(ReadError::Store)
    }

    /// How many recorded events the slowest of the read models has not applied yet; with no read models,
    /// how many have no position yet.
    pub(crate) async fn lag(&self, models: ReadModels<'_>) -> Result<i64, ReadError> {
        let statuses = of(&self.store, models).await.map_err(ReadError::Store)?;
        let slowest = statuses.iter().map(|status| status.lag_events).max();
        let unsequenced = log::unsequenced(&self.store)
            .await
            .map_err(ReadError::Store)?;
        Ok(slowest.unwrap_or_default() + unsequenced)
    }
}
