//! The state of a droplet, and what can be asked of it.

use serde::{Deserialize, Serialize};

use super::rejection::DropletRejection;
use super::spec::{Address, Provisioner, Spec};
use super::status::DropletStatus;
use crate::name::DropletName;

/// The state of a droplet: in each, only what is valid there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Droplet {
    /// Nobody asked for it yet.
    #[default]
    Absent,
    /// Asked for; its provisioner is to make the machine.
    Requested {
        /// What it is to be.
        spec: Spec,
    },
    /// The machine runs.
    Active {
        /// What it is.
        spec: Spec,
        /// Where it can be reached.
        addresses: Vec<Address>,
    },
    /// The machine could not be made. The end; the name is free again.
    Failed,
    /// To be deleted; its provisioner is to remove whatever there is of the machine.
    Deleting {
        /// What it was.
        spec: Spec,
    },
    /// Gone. The end; the name is free again.
    Deleted,
}

impl Droplet {
    /// The status, or `None` before the request.
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

    /// What it is, while it lives: requested, active or deleting.
    #[must_use]
    pub fn spec(&self) -> Option<&Spec> {
        match self {
            Self::Requested { spec } | Self::Active { spec, .. } | Self::Deleting { spec } => {
                Some(spec)
            }
            Self::Absent | Self::Failed | Self::Deleted => None,
        }
    }

    /// The name that it holds in its organization, which no other live droplet may have. `None`
    /// before the request and after the end, when the name is free.
    #[must_use]
    pub fn live_name(&self) -> Option<&DropletName> {
        self.spec().map(|spec| &spec.name)
    }

    /// Who makes and removes the machine, while the droplet lives.
    #[must_use]
    pub fn provisioner(&self) -> Option<Provisioner> {
        self.spec().map(|spec| spec.provisioner)
    }

    /// Where it can be reached; none unless it is active.
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

    /// Says that it was already asked for, where it was.
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

    /// Says why it cannot have been deleted just now, where it cannot.
    pub(super) fn must_be_deleting(&self) -> Result<(), DropletRejection> {
        match self {
            Self::Deleting { .. } => Ok(()),
            Self::Requested { .. } | Self::Active { .. } => {
                Err(DropletRejection::DropletNotBeingDeleted)
            }
            Self::Absent | Self::Failed | Self::Deleted => self.changeable().map(|_| ()),
        }
    }

    /// The spec where it may still be changed, or why it may not.
    pub(super) fn changeable(&self) -> Result<&Spec, DropletRejection> {
        match self {
            Self::Absent => Err(DropletRejection::DropletNotFound),
            Self::Requested { spec } | Self::Active { spec, .. } => Ok(spec),
            Self::Failed => Err(DropletRejection::DropletFailed),
            Self::Deleting { .. } => Err(DropletRejection::DropletBeingDeleted),
            Self::Deleted => Err(DropletRejection::DropletDeleted),
        }
    }

    /// The spec where provisioning goes on, or why it does not.
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

    /// The machine runs, where it was being made.
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

    /// To be deleted, where it may still be changed.
    pub(super) fn deleting(self) -> Self {
        match self {
            Self::Requested { spec } | Self::Active { spec, .. } => Self::Deleting { spec },
            Self::Absent | Self::Failed | Self::Deleting { .. } | Self::Deleted => self,
        }
    }

    /// The same state with its spec changed, where it has one.
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
