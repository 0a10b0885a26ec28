//! Reads `read_v1.counts`.

use std::collections::BTreeMap;

use domain::droplet::DropletStatus;
use domain::ids::OrgId;
use domain::job::JobStatus;
use domain::name::JobKind;
use domain::slug::{RegionSlug, SizeSlug};

use super::Dimension;
use crate::reader::{ReadError, Reader};

/// How many an organization has. What it has none of is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrgCounts {
    /// Droplets by status, deleted ones too.
    pub droplets_by_status: BTreeMap<DropletStatus, i64>,
    /// Living droplets (requested, active, deleting) by size.
    pub droplets_by_size: BTreeMap<SizeSlug, i64>,
    /// Living droplets (requested, active, deleting) by region.
    pub droplets_by_region: BTreeMap<RegionSlug, i64>,
    /// Jobs by status.
    pub jobs_by_status: BTreeMap<JobStatus, i64>,
    /// Jobs by kind.
    pub jobs_by_kind: BTreeMap<JobKind, i64>,
}

impl Reader {
    /// How many of what an organization has.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn counts(&self, org: &OrgId) -> Result<OrgCounts, ReadError> {
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as("select dimension, value, count from read_v1.counts where org_id = $1")
                .bind(org.as_str())
                .fetch_all(&mut *self.session(org).await?)
                .await?;
        let of = |dimension: Dimension| {
            rows.iter()
                .filter(move |(name, ..)| name == dimension.as_str())
                .map(|(_, value, count)| (value.as_str(), *count))
        };
        Ok(OrgCounts {
            droplets_by_status: DropletStatus::ALL
                .into_iter()
                .filter_map(|s| Some((s, find(of(Dimension::DropletStatus), s.as_str())?)))
                .collect(),
            droplets_by_size: of(Dimension::DropletSize)
                .filter_map(|(value, count)| Some((SizeSlug::parse(value).ok()?, count)))
                .collect(),
            droplets_by_region: of(Dimension::DropletRegion)
                .filter_map(|(value, count)| Some((RegionSlug::parse(value).ok()?, count)))
                .collect(),
            jobs_by_status: JobStatus::ALL
                .into_iter()
                .filter_map(|s| Some((s, find(of(Dimension::JobStatus), s.as_str())?)))
                .collect(),
            jobs_by_kind: of(Dimension::JobKind)
                .filter_map(|(value, count)| Some((JobKind::parse(value).ok()?, count)))
                .collect(),
        })
    }
}

fn find<'a>(mut counts: impl Iterator<Item = (&'a str, i64)>, value: &str) -> Option<i64> {
    counts.find_map(|(found, count)| (found == value).then_some(count))
}
