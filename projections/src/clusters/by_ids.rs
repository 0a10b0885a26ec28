//! Clusters by their ids, many at once.

use domain::ids::{ClusterId, OrgId};
use sqlx::types::Json;

use super::row::ClusterRow;
use crate::reader::{ReadError, Reader};

impl Reader {
    /// Those of these clusters that the organization has, also deleted ones, in any order: in one read,
    /// however many they are.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn clusters_by_ids(
        &self,
        org: &OrgId,
        ids: &[ClusterId],
    ) -> Result<Vec<ClusterRow>, ReadError> {
        let ids: Vec<_> = ids.iter().map(|id| id.as_uuid()).collect();
        let rows: Vec<Json<ClusterRow>> = sqlx::query_scalar(
            "select to_json(c) from read_v1.clusters c where org_id = $1 and id = any($2)",
        )
        .bind(org.as_str())
        .bind(ids)
        .fetch_all(&mut *self.session(org).await?)
        .await?;
        Ok(rows.into_iter().map(|Json(row)| row).collect())
    }
}
