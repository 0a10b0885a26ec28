//! The events of a cluster.

use serde::{Deserialize, Serialize};

use super::limits::NodeLimits;
use crate::event::event_enum;
use crate::name::ClusterName;

event_enum! {
    /// An event of a cluster's stream.
    pub enum ClusterEvent {
        Created(ClusterCreated) = "cluster_created", version 1, sample ClusterCreated {
            name: name("blue"),
            description: "the shop's web servers".to_owned(),
            limits: NodeLimits { minimum: 2, maximum: 8 },
        };
        Renamed(ClusterRenamed) = "cluster_renamed", version 1,
            sample ClusterRenamed { from: name("blue"), name: name("green") };
        Described(ClusterDescribed) = "cluster_described", version 1,
            sample ClusterDescribed { description: "web servers".to_owned() };
        NodeLimitsChanged(ClusterNodeLimitsChanged) = "cluster_node_limits_changed", version 1,
            sample ClusterNodeLimitsChanged { limits: NodeLimits { minimum: 0, maximum: 4 } };
        MaintenanceStarted(ClusterMaintenanceStarted) = "cluster_maintenance_started", version 1,
            sample ClusterMaintenanceStarted {};
        MaintenanceEnded(ClusterMaintenanceEnded) = "cluster_maintenance_ended", version 1,
            sample ClusterMaintenanceEnded {};
        Deleted(ClusterDeleted) = "cluster_deleted", version 1, sample ClusterDeleted {};
    }
}

/// A user created the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterCreated {
    /// The name of the cluster.
    pub name: ClusterName,
    /// The purpose of the cluster; possibly empty.
    pub description: String,
    /// The bounds of the cluster's size.
    pub limits: NodeLimits,
}

/// The cluster got another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRenamed {
    /// The name before, which is free now.
    pub from: ClusterName,
    /// The new name.
    pub name: ClusterName,
}

/// The cluster got another description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterDescribed {
    /// The purpose of the cluster; possibly empty.
    pub description: String,
}

/// The cluster got other bounds of its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterNodeLimitsChanged {
    /// The new bounds.
    pub limits: NodeLimits,
}

/// The cluster takes no new droplets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterMaintenanceStarted {}

/// The cluster takes droplets again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterMaintenanceEnded {}

/// The cluster was deleted, and its name is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterDeleted {}

fn name(text: &str) -> ClusterName {
    ClusterName::parse(text).expect("the sample is a cluster's name")
}
