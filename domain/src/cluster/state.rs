//! The state of a cluster, and what can be asked of it.

use serde::{Deserialize, Serialize};

use super::event::ClusterCreated;
use super::limits::NodeLimits;
use super::rejection::ClusterRejection;
use super::status::ClusterStatus;
use crate::name::ClusterName;

/// The state of a cluster: in each, only what is valid there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cluster {
    /// Nobody created it yet.
    #[default]
    Absent,
    /// There it is, active or in maintenance.
    Living {
        /// What it is.
        spec: ClusterSpec,
        /// What it is doing.
        status: ClusterStatus,
    },
    /// Gone. The end; the name is free again.
    Deleted,
}

/// What a living cluster is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSpec {
    /// Its name, unique among the clusters of its organization.
    pub name: ClusterName,
    /// What it is for; possibly nothing.
    pub description: String,
    /// The bounds of its size.
    pub limits: NodeLimits,
}

impl From<&ClusterCreated> for ClusterSpec {
    fn from(created: &ClusterCreated) -> Self {
        Self {
            name: created.name.clone(),
            description: created.description.clone(),
            limits: created.limits,
        }
    }
}

impl Cluster {
    /// The status, or `None` before the creation.
    #[must_use]
    pub fn status(&self) -> Option<ClusterStatus> {
        match self {
            Self::Absent => None,
            Self::Living { status, .. } => Some(*status),
            Self::Deleted => Some(ClusterStatus::Deleted),
        }
    }

    /// What it is, until it is deleted.
    #[must_use]
    pub fn spec(&self) -> Option<&ClusterSpec> {
        match self {
            Self::Living { spec, .. } => Some(spec),
            Self::Absent | Self::Deleted => None,
        }
    }

    /// Says that it was already created, where it was.
    pub(super) fn must_be_absent(&self) -> Result<(), ClusterRejection> {
        match self {
            Self::Absent => Ok(()),
            Self::Living { .. } | Self::Deleted => Err(ClusterRejection::ClusterAlreadyExists),
        }
    }

    /// What it is and does, or why it does not live.
    pub(super) fn living(&self) -> Result<(&ClusterSpec, ClusterStatus), ClusterRejection> {
        match self {
            Self::Absent => Err(ClusterRejection::ClusterNotFound),
            Self::Living { spec, status } => Ok((spec, *status)),
            Self::Deleted => Err(ClusterRejection::ClusterDeleted),
        }
    }

    /// The same cluster in a status and with its spec changed, where it has one.
    pub(super) fn changed(
        self,
        status: ClusterStatus,
        change: impl FnOnce(&mut ClusterSpec),
    ) -> Self {
        match self {
            Self::Living { mut spec, .. } => {
                change(&mut spec);
                Self::Living { spec, status }
            }
            Self::Absent | Self::Deleted => self,
        }
    }
}
