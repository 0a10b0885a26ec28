//! The state of a droplet, and questions about it.

use serde::{Deserialize, Serialize};

use super::rejection::DropletRejection;
use super::spec::{Address, Provisioner, Spec};
use super::status::DropletStatus;
use crate::name::DropletName;

/// The state of a droplet. Each variant holds only what is valid in that state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Droplet {
    /// The droplet is not requested yet.
    #[default]
    Absent,
    /// The droplet is requested; its provisioner is to make the machine.
    Requested {
        /// The requested properties of the droplet.
        spec: Spec,
    },
    /// The machine runs.
    Active {
        /// The properties of the droplet.
        spec: Spec,
        /// The addresses of the droplet.
        addresses: Vec<Address>,
    },
    /// The machine could not be made. The state is final; the name is free again.
    Failed,
    /// The droplet is to be deleted; its provisioner is to remove whatever there is of the machine.
    Deleting {
        /// The properties of the droplet before its deletion.
        spec: Spec,
    },
    /// The droplet is deleted. The state is final; the name is free again.
    Deleted,
}

impl Droplet {
    /// Returns the status, or `None` before the request.
    #[must_use]
    pub fn status(&self) -> Option<DropletStatus> {
        match self {
            Self::Absent => None,
            Self::Requested { .. } => Some(DropletStatus::Requested),
            Self::Active { .. } => Some(DropletStatus::Active),
            Self::Failed => Some(DropletStatus::Failed),
            Self::Deleting { .. } => Some(DropletStatus::Deleting),
            Self::Deleted => Some(DropletStatus::Deleted),
        }
    }

    /// Returns the properties of the droplet while it lives: requested, active or deleting.
    #[must_use]
    pub fn spec(&self) -> Option<&Spec> {
        match self {
            Self::Requested { spec } | Self::Active { spec, .. } | Self::Deleting { spec } => {
                Some(spec)
            }
            Self::Absent | Self::Failed | Self::Deleted => None,
        }
    }

    /// Returns the name that the droplet holds in its organization. No other live droplet may have it.
    /// `None` before the request and after the end: the name is free then.
    #[must_use]
    pub fn live_name(&self) -> Option<&DropletName> {
        self.spec().map(|spec| &spec.name)
    }

    /// Returns the provisioner of the machine, while the droplet lives.
    #[must_use]
    pub fn provisioner(&self) -> Option<Provisioner> {
        self.spec().map(|spec| spec.provisioner)
    }

    /// Returns the addresses of the droplet; none unless it is active.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        match self {
            Self::Active { addresses, .. } => addresses,
            Self::Absent
            | Self::Requested { .. }
            | Self::Failed
            | Self::Deleting { .. }
            | Self::Deleted => &[],
        }
    }

    /// Rejects a command if the droplet was already requested.
    pub(super) fn must_be_absent(&self) -> Result<(), DropletRejection> {
        match self {
            Self::Absent => Ok(()),
            Self::Requested { .. }
            | Self::Active { .. }
            | Self::Failed
            | Self::Deleting { .. }
            | Self::Deleted => Err(DropletRejection::DropletAlreadyExists),
        }
    }

    /// Rejects the report of a deletion if the droplet is not being deleted.
    pub(super) fn must_be_deleting(&self) -> Result<(), DropletRejection> {
        match self {
            Self::Deleting { .. } => Ok(()),
            Self::Requested { .. } | Self::Active { .. } => {
                Err(DropletRejection::DropletNotBeingDeleted)
            }
            Self::Absent | Self::Failed | Self::Deleted => self.changeable().map(|_| ()),
        }
    }

    /// Returns the properties if they may still be changed, or the reason why they may not.
    pub(super) fn changeable(&self) -> Result<&Spec, DropletRejection> {
        match self {
            Self::Absent => Err(DropletRejection::DropletNotFound),
            Self::Requested { spec } | Self::Active { spec, .. } => Ok(spec),
            Self::Failed => Err(DropletRejection::DropletFailed),
            Self::Deleting { .. } => Err(DropletRejection::DropletBeingDeleted),
            Self::Deleted => Err(DropletRejection::DropletDeleted),
        }
    }

    /// Returns the properties if the machine is being provisioned, or the reason why it is not.
    pub(super) fn being_provisioned(&self) -> Result<&Spec, DropletRejection> {
        match self {
            Self::Active { .. } => Err(DropletRejection::DropletAlreadyActive),
            Self::Absent
            | Self::Requested { .. }
            | Self::Failed
            | Self::Deleting { .. }
            | Self::Deleted => self.changeable(),
        }
    }

    /// Returns the active droplet if it was requested. Any other state stays the same.
    pub(super) fn activated(self, addresses: &[Address]) -> Self {
        match self {
            Self::Requested { spec } => Self::Active {
                spec,
                addresses: addresses.to_vec(),
            },
            Self::Absent
            | Self::Active { .. }
            | Self::Failed
            | Self::Deleting { .. }
            | Self::Deleted => self,
        }
    }

    /// Returns the droplet with its deletion requested, if it was requested or active. Any other state
    /// stays the same.
    pub(super) fn deleting(self) -> Self {
        match self {
            Self::Requested { spec } | Self::Active { spec, .. } => Self::Deleting { spec },
            Self::Absent | Self::Failed | Self::Deleting { .. } | Self::Deleted => self,
        }
    }

    /// Returns the same state with its properties changed. A state without properties stays the same.
    pub(super) fn with_spec(mut self, change: impl FnOnce(&mut Spec)) -> Self {
        match &mut self {
            Self::Requested { spec } | Self::Active { spec, .. } | Self::Deleting { spec } => {
                change(spec);
            }
            Self::Absent | Self::Failed | Self::Deleted => {}
        }
        self
    }
}
