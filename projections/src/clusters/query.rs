//! The filter and the orders of lists of clusters.

use domain::cluster::ClusterStatus;

use super::Clusters;
use super::row::ClusterRow;
use crate::list::{Conditions, Filter, Listed, Named};
use crate::model::Model;
use crate::page::{Key, Order, Sort};

const CREATED_AT: &str = "created_at";
const UPDATED_AT: &str = "updated_at";
const NAME: &str = "name";

/// A filter of clusters; the default lets all through that are not deleted.
#[derive(Debug, Clone, Default)]
pub struct ClusterFilter {
    /// A part of the name, in upper or lower case.
    pub name: Option<String>,
    /// The accepted statuses; `None` for any but deleted.
    pub statuses: Option<Vec<ClusterStatus>>,
}

/// An order of lists of clusters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClusterOrder {
    /// Business time of the creation.
    #[default]
    CreatedAt,
    /// Business time of the last event. Rows move in this order while a client pages through it.
    UpdatedAt,
    /// The name, by its bytes.
    Name,
}

impl Listed for Clusters {
    type Filter = ClusterFilter;
    type Order = ClusterOrder;
}

impl Named for Clusters {
    const LIVES: &'static str = "status <> 'DELETED'";
}

impl Order<ClusterRow> for ClusterOrder {
    const LIST: &'static str = Clusters::NAME;

    fn sort(self) -> Sort {
        match self {
            Self::CreatedAt => Sort::Time(CREATED_AT),
            Self::UpdatedAt => Sort::Time(UPDATED_AT),
            Self::Name => Sort::Text(NAME),
        }
    }

    fn key(self, row: &ClusterRow) -> Key {
        let id = row.id.as_uuid();
        match self {
            Self::CreatedAt => Key::Time(row.created_at, id),
            Self::UpdatedAt => Key::Time(row.updated_at, id),
            Self::Name => Key::Text(row.name.as_str().to_owned(), id),
        }
    }
}

impl Filter for ClusterFilter {
    fn restrict(&self, conditions: &mut Conditions<'_>) {
        let Self { name, statuses } = self;
        let statuses = statuses.as_ref();
        conditions.status_of(statuses.map(|all| all.iter().map(|status| status.as_str())));
        if let Some(name) = name {
            conditions.contains(NAME, name);
        }
    }
}
