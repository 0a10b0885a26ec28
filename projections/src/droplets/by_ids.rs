//! Droplets by their ids, many at once.

use domain::ids::{DropletId, OrgId};
use sqlx::types::Json;

use super::row::DropletRow;
use crate::reader::{ReadError, Reader};

impl Reader {
    /// Those of these droplets that the organization has, also deleted ones, in any order: in one read,
    /// however many they are.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn droplets_by_ids(
        &self,
        org: &OrgId,
        ids: &[DropletId],
    ) -> Result<Vec<DropletRow>, ReadError> {
        let ids: Vec<_> = ids.iter().map(|id| id.as_uuid()).collect();
        let rows: Vec<Json<DropletRow>> = sqlx::query_scalar(
            "select to_json(d) from read_v1.droplets d where org_id = $1 and id = any($2)",
        )
        .bind(org.as_str())
        .bind(ids)
        .fetch_all(&mut *self.session(org).await?)
        .await?;
        Ok(rows.into_iter().map(|Json(row)| row).collect())
    }
}
