//! The progress of projections, for clients and operators.

use event_store::envelope::Position;
use event_store::log;

use crate::consistency::ReadModels;
use crate::reader::{ReadError, Reader};
use crate::registry;

// Named by code that shows a status, such as the API, which does not import the event store.
pub use event_store::consume::status::{Building, ConsumerStatus, Failed, Stage, State, each, of};

impl Reader {
    /// Returns the last position of the log.
    ///
    /// # Errors
    /// [`ReadError::Store`].
    pub async fn head(&self) -> Result<Position, ReadError> {
        log::head(&self.store).await.map_err(ReadError::Store)
    }

    /// Returns the status of every projection. A projection that never ran has applied nothing.
    ///
    /// # Errors
    /// [`ReadError::Store`].
    pub async fn projections(&self) -> Result<Vec<ConsumerStatus>, ReadError> {
        of(&self.store, &each(&registry::consumers()))
            .await
            .map_err(ReadError::Store)
    }

    /// Returns the number of recorded events that the slowest of the read models has not applied yet.
    /// With no read models, returns the number of events that have no position yet.
    pub(crate) async fn lag(&self, models: ReadModels<'_>) -> Result<i64, ReadError> {
        let statuses = of(&self.store, models).await.map_err(ReadError::Store)?;
        let slowest = statuses.iter().map(|status| status.lag_events).max();
        let unsequenced = log::unsequenced(&self.store)
            .await
            .map_err(ReadError::Store)?;
        Ok(slowest.unwrap_or_default() + unsequenced)
    }
}
