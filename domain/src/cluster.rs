//! A cluster: a named group of droplets, with bounds on their number.
//!
//! ```text
//! active <-> maintenance
//!    \           /
//!     `-> deleted
//! ```
//!
//! The number of live droplets is not part of this state but a counter ([`live_droplets`]). So a droplet
//! that joins or leaves writes no event of the cluster. A command's bound on that number is still a rule of
//! the cluster ([`Capacity`]); the append checks it.

mod aggregate;
mod capacity;
mod command;
mod event;
mod limits;
mod rejection;
mod state;
mod status;
#[cfg(test)]
mod tests;

pub use aggregate::live_droplets;
pub use capacity::Capacity;
pub use command::{ClusterCommand, ClusterUpdate};
pub use event::{
    ClusterCreated, ClusterDeleted, ClusterDescribed, ClusterEvent, ClusterMaintenanceEnded,
    ClusterMaintenanceStarted, ClusterNodeLimitsChanged, ClusterRenamed,
};
pub use limits::{MAX_NODES, NodeLimits};
pub use rejection::ClusterRejection;
pub use state::{Cluster, ClusterSpec, LivingStatus};
pub use status::ClusterStatus;

use crate::decider::Decider;
use crate::input::check_text;
use crate::stream_type::StreamType;

impl Decider for Cluster {
    const STREAM_TYPE: StreamType = StreamType::CLUSTER;
    const STATE_VERSION: i32 = 1;

    type Command = ClusterCommand;
    type Event = ClusterEvent;
    type Rejection = ClusterRejection;

    fn decide(&self, command: &ClusterCommand) -> Result<Vec<ClusterEvent>, ClusterRejection> {
        match command {
            ClusterCommand::Create {
                name,
                description,
                limits,
            } => {
                self.must_be_absent()?;
                check_text("description", description)?;
                limits.check()?;
                one(ClusterCreated {
                    name: name.clone(),
                    description: description.clone(),
                    limits: *limits,
                })
            }
            ClusterCommand::Update(update) => self.update(update),
            ClusterCommand::Delete => {
                self.living()?;
                one(ClusterDeleted {})
            }
        }
    }

    fn evolve(self, event: &ClusterEvent) -> Self {
        if ClusterStatus::after(self.status(), event).is_none() {
            return self;
        }
        match event {
            ClusterEvent::Created(created) => Self::Living {
                spec: ClusterSpec::from(created),
                status: LivingStatus::Active,
            },
            ClusterEvent::Renamed(renamed) => {
                self.changed(|spec, _| spec.name = renamed.name.clone())
            }
            ClusterEvent::Described(described) => self.changed(|spec, _| {
                spec.description.clone_from(&described.description);
            }),
            ClusterEvent::NodeLimitsChanged(changed) => {
                self.changed(|spec, _| spec.limits = changed.limits)
            }
            ClusterEvent::MaintenanceStarted(_) => {
                self.changed(|_, status| *status = LivingStatus::Maintenance)
            }
            ClusterEvent::MaintenanceEnded(_) => {
                self.changed(|_, status| *status = LivingStatus::Active)
            }
            ClusterEvent::Deleted(_) => Self::Deleted,
        }
    }
}

impl Cluster {
    fn update(&self, update: &ClusterUpdate) -> Result<Vec<ClusterEvent>, ClusterRejection> {
        let (spec, status) = self.living()?;
        match update {
            ClusterUpdate::Rename { name } if *name == spec.name => nothing(),
            ClusterUpdate::Rename { name } => one(ClusterRenamed {
                from: spec.name.clone(),
                name: name.clone(),
            }),
            ClusterUpdate::Describe { description } if *description == spec.description => {
                nothing()
            }
            ClusterUpdate::Describe { description } => {
                check_text("description", description)?;
                one(ClusterDescribed {
                    description: description.clone(),
                })
            }
            ClusterUpdate::SetNodeLimits { limits } if *limits == spec.limits => nothing(),
            ClusterUpdate::SetNodeLimits { limits } => {
                limits.check()?;
                one(ClusterNodeLimitsChanged { limits: *limits })
            }
            ClusterUpdate::StartMaintenance => match status {
                LivingStatus::Active => one(ClusterMaintenanceStarted {}),
                LivingStatus::Maintenance => nothing(),
            },
            ClusterUpdate::EndMaintenance => match status {
                LivingStatus::Maintenance => one(ClusterMaintenanceEnded {}),
                LivingStatus::Active => nothing(),
            },
        }
    }
}

fn one(event: impl Into<ClusterEvent>) -> Result<Vec<ClusterEvent>, ClusterRejection> {
    Ok(vec![event.into()])
}

/// Returns no events: the state already is as the command asks.
fn nothing() -> Result<Vec<ClusterEvent>, ClusterRejection> {
    Ok(Vec::new())
}
