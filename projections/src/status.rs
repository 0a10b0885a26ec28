//! The progress of projections, for clients and operators.

use domain::ids::OrgId;
use event_store::envelope::Position;
use event_store::log;

use crate::consistency::ReadModels;
use crate::reader::{ReadError, Reader};
use crate::registry;

// Named by code that shows a status, such as the API, which does not import the event store.
pub use event_store::consume::status::{Building, ConsumerStatus, Failed, Stage, State, each, of};

impl Reader {
    /// Returns the last position of the log, for a member of an organization.
    ///
    /// # Errors
    /// [`ReadError::Store`], and [`ReadError::Unavailable`] when too many read the platform's state.
    pub async fn head(&self, org: &OrgId) -> Result<Position, ReadError> {
        let _place = self.platform_place(org).await?;
        log::head(&self.platform).await.map_err(ReadError::Store)
    }

    /// Returns the status of every projection, for a member of an organization. A projection that never ran has
    /// applied nothing.
    ///
    /// # Errors
    /// Those of [`Reader::head`].
    pub async fn projections(&self, org: &OrgId) -> Result<Vec<ConsumerStatus>, ReadError> {
        let _place = self.platform_place(org).await?;
        of(&self.platform, &each(&registry::consumers()))
            .await
            .map_err(ReadError::Store)
    }

    /// Returns the number of recorded events that the slowest of the read models has not applied yet.
    /// With no read models, returns the number of events that have no position yet.
    pub(crate) async fn lag(&self, org: &OrgId, models: ReadModels<'_>) -> Result<i64, ReadError> {
        let _place = self.platform_place(org).await?;
        let statuses = of(&self.platform, models).await.map_err(ReadError::Store)?;
        let slowest = statuses.iter().map(|status| status.lag_events).max();
        let unsequenced = log::unsequenced(&self.platform)
            .await
            .map_err(ReadError::Store)?;
        Ok(slowest.unwrap_or_default() + unsequenced)
    }
}
