//! What can happen to a cluster.

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

/// A user created it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterCreated {
    /// Its name.
    pub name: ClusterName,
    /// What it is for; possibly nothing.
    pub description: String,
    /// The bounds of its size.
    pub limits: NodeLimits,
}

/// It got another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRenamed {
    /// The name before, which is free now.
    pub from: ClusterName,
    /// The new name.
    pub name: ClusterName,
}

/// It got another description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterDescribed {
    /// What it is for; possibly nothing.
    pub description: String,
}

/// It got other bounds of its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterNodeLimitsChanged {
    /// The new bounds.
    pub limits: NodeLimits,
}

/// It takes no new droplets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterMaintenanceStarted {}

/// It takes droplets again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterMaintenanceEnded {}

/// It is gone; its name is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterDeleted {}

fn name(text: &str) -> ClusterName {
    ClusterName::parse(text).expect("the sample is a cluster's name")
}
