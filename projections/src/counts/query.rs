//! Reads `read_v1.counts`.

use std::collections::BTreeMap;

use domain::ids::OrgId;
use sqlx::{FromRow, QueryBuilder};

use crate::model::Dimension;
use crate::reader::{ReadError, Reader};

/// The numbers of an organization's resources, by dimension and value. A value that no resource has is
/// left out.
///
/// The dimensions are declared beside the models of what is counted, such as
/// `droplets::counted::BY_STATUS`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrgCounts(BTreeMap<String, BTreeMap<String, i64>>);

impl OrgCounts {
    /// Returns the number of resources that have this value; 0 if none has.
    #[must_use]
    pub fn of(&self, dimension: Dimension, value: &str) -> i64 {
        let values = self.0.get(dimension.0);
        let count = values.and_then(|values| values.get(value));
        count.copied().unwrap_or_default()
    }

    /// Returns the values that resources have, in order, and the number of resources that have each.
    pub fn by(&self, dimension: Dimension) -> impl Iterator<Item = (&str, i64)> {
        let values = self.0.get(dimension.0).into_iter().flatten();
        values.map(|(value, count)| (value.as_str(), *count))
    }
}

impl Reader {
    /// Returns the numbers of an organization's resources.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn counts(&self, org: &OrgId) -> Result<OrgCounts, ReadError> {
        let mut query =
            QueryBuilder::new("select dimension, value, count from read_v1.counts where org_id = ");
        query.push_bind(org.as_str());
        let rows: Vec<(String, String, i64)> =
            self.fetch(org, query, |row| FromRow::from_row(row)).await?;
        let mut counts = OrgCounts::default();
        for (dimension, value, count) in rows {
            let values = counts.0.entry(dimension).or_default();
            values.insert(value, count);
        }
        Ok(counts)
    }
}
