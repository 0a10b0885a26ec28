//! The state of a cluster, and questions about it.

use serde::{Deserialize, Serialize};

use super::event::ClusterCreated;
use super::limits::NodeLimits;
use super::rejection::ClusterRejection;
use super::status::ClusterStatus;
use crate::name::ClusterName;

/// The state of a cluster. Each variant holds only what is valid in that state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cluster {
    /// The cluster is not created yet.
    #[default]
    Absent,
    /// The cluster exists, active or in maintenance.
    Living {
        /// The properties of the cluster.
        spec: ClusterSpec,
        /// The status of the cluster.
        status: LivingStatus,
    },
    /// The cluster is deleted. The state is final; the name is free again.
    Deleted,
}

/// The status of a living cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LivingStatus {
    /// The cluster is in service.
    Active,
    /// The cluster keeps its droplets and takes no new ones.
    Maintenance,
}

/// The properties of a living cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSpec {
    /// The name of the cluster, unique among the clusters of its organization.
    pub name: ClusterName,
    /// The purpose of the cluster; possibly empty.
    pub description: String,
    /// The bounds of the cluster's size.
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
    /// Returns the status, or `None` before the creation.
    #[must_use]
    pub fn status(&self) -> Option<ClusterStatus> {
        match self {
            Self::Absent => None,
            Self::Living { status, .. } => Some(match status {
                LivingStatus::Active => ClusterStatus::Active,
                LivingStatus::Maintenance => ClusterStatus::Maintenance,
            }),
            Self::Deleted => Some(ClusterStatus::Deleted),
        }
    }

    /// Returns the properties of the cluster, or `None` before the creation and after the deletion.
    #[must_use]
    pub fn spec(&self) -> Option<&ClusterSpec> {
        match self {
            Self::Living { spec, .. } => Some(spec),
            Self::Absent | Self::Deleted => None,
        }
    }

    /// Rejects a command if the cluster was already created.
    pub(super) fn must_be_absent(&self) -> Result<(), ClusterRejection> {
        match self {
            Self::Absent => Ok(()),
            Self::Living { .. } | Self::Deleted => Err(ClusterRejection::ClusterAlreadyExists),
        }
    }

    /// Returns the properties and the status of a living cluster, or the reason why the cluster does not
    /// live.
    pub(super) fn living(&self) -> Result<(&ClusterSpec, LivingStatus), ClusterRejection> {
        match self {
            Self::Absent => Err(ClusterRejection::ClusterNotFound),
            Self::Living { spec, status } => Ok((spec, *status)),
            Self::Deleted => Err(ClusterRejection::ClusterDeleted),
        }
    }

    /// Returns the living cluster with its properties or its status changed. Any other state stays the same.
    pub(super) fn changed(
        mut self,
        change: impl FnOnce(&mut ClusterSpec, &mut LivingStatus),
    ) -> Self {
        match &mut self {
            Self::Living { spec, status } => change(spec, status),
            Self::Absent | Self::Deleted => {}
        }
        self
    }
}
