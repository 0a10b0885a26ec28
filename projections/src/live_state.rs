//! Droplets and jobs as they were written, folded from their streams: what a mutation answers with.
//!
//! Sees every committed event, also one that has no position yet and that no projection has applied.

use domain::ids::{DropletId, JobId, OrgId};
use event_store::codec;
use event_store::envelope::{Recorded, StoredEvent, StreamId, Version};
use event_store::error::StoreError;
use event_store::log;
use sqlx::PgPool;

use crate::droplets::DropletRow;
use crate::fold::UnexpectedEvent;
use crate::jobs::JobRow;
use crate::reader::{ReadError, Reader};

impl Reader {
    /// A droplet of an organization after its last committed event.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn droplet_as_written(
        &self,
        org: &OrgId,
        id: DropletId,
    ) -> Result<Option<DropletRow>, ReadError> {
        fold(&self.store, org, id.into(), DropletRow::fold).await
    }

    /// A job of an organization after its last committed event.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn job_as_written(
        &self,
        org: &OrgId,
        id: JobId,
    ) -> Result<Option<JobRow>, ReadError> {
        fold(&self.store, org, id.into(), JobRow::fold).await
    }
}

/// Decodes events of one stream.
pub(crate) fn decode(stored: &[StoredEvent]) -> Result<Vec<Recorded>, StoreError> {
    let decoded = stored.iter().map(|event| {
        codec::decode(event).map_err(|source| StoreError::Decode {
            stream: event.stream,
            version: event.version,
            source,
        })
    });
    decoded.collect()
}

async fn fold<R>(
    pool: &PgPool,
    org: &OrgId,
    stream: StreamId,
    fold: fn(Option<R>, &Recorded) -> Result<R, UnexpectedEvent>,
) -> Result<Option<R>, ReadError> {
    let mut stored = log::read_stream(pool, stream, Version::NONE)
        .await
        .map_err(ReadError::Store)?;
    // The owner sees every organization: another one's stream is as good as none.
    stored.retain(|event| event.org == *org);
    let events = decode(&stored).map_err(ReadError::Store)?;
    events
        .iter()
        .try_fold(None, |row, event| fold(row, event).map(Some))
        .map_err(ReadError::UnexpectedEvent)
}
