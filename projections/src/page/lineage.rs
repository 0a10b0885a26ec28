//! The incarnations of the log that the cursors of a page are judged by.

use std::sync::Arc;

use domain::ids::OrgId;
use event_store::incarnation::Lineage;

use super::{Order, Page, Place};
use crate::reader::{ReadError, Reader};

impl Reader {
    /// Returns the incarnations to read a page in. Those of its cursors are among them, if they are of this log.
    pub(crate) async fn lineage<R, O: Order<R>>(
        &self,
        org: &OrgId,
        page: &Page<O>,
    ) -> Result<Arc<Lineage>, ReadError> {
        let mut known = self.incarnations.known().await?;
        let list = page.list();
        for cursor in [&page.after, &page.before].into_iter().flatten() {
            if let Ok(Place { incarnation, .. }) = list.place(cursor)
                && !known.has(incarnation)
            {
                // Clients may send anything.
                let _place = self.platform_place(org).await?;
                known = self.incarnations.with(incarnation).await?;
            }
        }
        Ok(known)
    }

    /// Returns the incarnations to read in again after a read failed because of another incarnation.
    ///
    /// # Errors
    /// The failure of the read, if there was another reason.
    pub(crate) async fn lineage_after(
        &self,
        stale: &Lineage,
        failed: ReadError,
    ) -> Result<Arc<Lineage>, ReadError> {
        match failed {
            ReadError::OtherIncarnation => Ok(self.incarnations.after(stale.current().id).await?),
            failed => Err(failed),
        }
    }
}
