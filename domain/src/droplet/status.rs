//! The statuses of a droplet, and the one table of their transitions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::DropletEvent;

/// The status of a droplet, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DropletStatus {
    /// The machine of the droplet is being made.
    Requested,
    /// The machine of the droplet runs.
    Active,
    /// The machine of the droplet could not be made.
    Failed,
    /// The machine of the droplet is being removed.
    Deleting,
    /// The machine of the droplet was removed.
    Deleted,
}

impl DropletStatus {
    /// All statuses, in the order of a droplet's life.
    pub const ALL: [Self; 5] = [
        Self::Requested,
        Self::Active,
        Self::Failed,
        Self::Deleting,
        Self::Deleted,
    ];

    /// Returns the name in read models and in the API, such as `ACTIVE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Active => "ACTIVE",
            Self::Failed => "FAILED",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
        }
    }
}

impl fmt::Display for DropletStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl DropletStatus {
    /// Returns the status after an event, or `None` if the event cannot come after the given status. The
    /// given status is `None` before the first event.
    #[must_use]
    pub fn after(before: Option<Self>, event: &DropletEvent) -> Option<Self> {
        let changeable = before.filter(|status| matches!(status, Self::Requested | Self::Active));
        match event {
            DropletEvent::Requested(_) => before.is_none().then_some(Self::Requested),
            DropletEvent::Activated(_) => (before == Some(Self::Requested)).then_some(Self::Active),
            DropletEvent::ProvisioningFailed(_) => {
                (before == Some(Self::Requested)).then_some(Self::Failed)
            }
            DropletEvent::Renamed(_)
            | DropletEvent::Tagged(_)
            | DropletEvent::Untagged(_)
            | DropletEvent::Protected(_)
            | DropletEvent::Unprotected(_) => changeable,
            DropletEvent::DeletionRequested(_) => changeable.map(|_| Self::Deleting),
            DropletEvent::Deleted(_) => (before == Some(Self::Deleting)).then_some(Self::Deleted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_json_are_the_names_in_words() {
        for status in DropletStatus::ALL {
            let json = serde_json::to_value(status).expect("it serialises");
            assert_eq!(json, status.as_str());
        }
    }
}
