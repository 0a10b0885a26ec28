//! The filter and the orders of lists of droplets.

use domain::droplet::DropletStatus;
use domain::ids::ClusterId;
use domain::slug::{RegionSlug, SizeSlug};
use domain::tag::Tag;

use super::Droplets;
use super::row::DropletRow;
use crate::list::{Conditions, Filter, Listed, Named};
use crate::model::Model;
use crate::page::{Key, Order, Sort};

const CREATED_AT: &str = "created_at";
const UPDATED_AT: &str = "updated_at";
const NAME: &str = "name";

/// A filter of droplets; the default lets all through that are not deleted.
#[derive(Debug, Clone, Default)]
pub struct DropletFilter {
    /// A part of the name, in upper or lower case.
    pub name: Option<String>,
    /// The tags that a droplet must carry, all of them.
    pub tags: Vec<Tag>,
    /// The accepted statuses; `None` for any but deleted.
    pub statuses: Option<Vec<DropletStatus>>,
    /// The accepted regions; `None` for any.
    pub regions: Option<Vec<RegionSlug>>,
    /// The accepted sizes; `None` for any.
    pub sizes: Option<Vec<SizeSlug>>,
    /// The cluster that a droplet must belong to; `None` for any.
    pub cluster: Option<ClusterId>,
}

/// An order of lists of droplets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DropletOrder {
    /// Business time of the request.
    #[default]
    CreatedAt,
    /// Business time of the last event. Rows move in this order while a client pages through it.
    UpdatedAt,
    /// The name, by its bytes.
    Name,
}

impl Listed for Droplets {
    type Filter = DropletFilter;
    type Order = DropletOrder;
}

impl Named for Droplets {
    const LIVES: &'static str = "status not in ('FAILED', 'DELETED')";
}

impl Order<DropletRow> for DropletOrder {
    const LIST: &'static str = Droplets::NAME;

    fn sort(self) -> Sort {
        match self {
            Self::CreatedAt => Sort::Time(CREATED_AT),
            Self::UpdatedAt => Sort::Time(UPDATED_AT),
            Self::Name => Sort::Text(NAME),
        }
    }

    fn key(self, row: &DropletRow) -> Key {
        let id = row.id.as_uuid();
        match self {
            Self::CreatedAt => Key::Time(row.created_at, id),
            Self::UpdatedAt => Key::Time(row.updated_at, id),
            Self::Name => Key::Text(row.name.to_string(), id),
        }
    }
}

impl Filter for DropletFilter {
    fn restrict(&self, conditions: &mut Conditions<'_>) {
        let Self {
            name,
            tags,
            statuses,
            regions,
            sizes,
            cluster,
        } = self;
        let statuses = statuses.as_ref();
        conditions.status_of(statuses.map(|all| all.iter().map(|status| status.as_str())));
        if let Some(name) = name {
            conditions.contains(NAME, name);
        }
        conditions.has_all("tags", tags.iter().map(Tag::as_str));
        let regions = regions.as_ref();
        conditions.one_of(
            "region",
            regions.map(|all| all.iter().map(RegionSlug::as_str)),
        );
        let sizes = sizes.as_ref();
        conditions.one_of("size", sizes.map(|all| all.iter().map(SizeSlug::as_str)));
        if let Some(cluster) = cluster {
            conditions.equal("cluster_id", cluster.as_uuid());
        }
    }
}
