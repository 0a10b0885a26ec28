//! The pure fold of a cluster's events into its row.

use domain::cluster::{ClusterCreated, ClusterEvent, ClusterStatus};
use domain::ids::ClusterId;
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::envelope::Recorded;

use super::row::ClusterRow;
use crate::fold::{UnexpectedEvent, stored_time};

impl ClusterRow {
    /// Implements [`Model::fold`](crate::model::Model::fold).
    pub(super) fn fold(row: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent> {
        let Event::Cluster(happened) = &event.event else {
            return Err(UnexpectedEvent::foreign(event, StreamType::CLUSTER));
        };
        let before = row.as_ref().map(|row| row.status);
        let misplaced = || UnexpectedEvent::misplaced(event, before.map(ClusterStatus::as_str));
        let status = ClusterStatus::after(before, happened).ok_or_else(misplaced)?;
        let mut row = match (row, happened) {
            (Some(row), _) => row,
            (None, ClusterEvent::Created(created)) => Self::created(event, created),
            (None, _) => return Err(misplaced()),
        };
        row.change(happened);
        row.status = status;
        row.version = event.version;
        row.updated_at = stored_time(event.metadata.occurred_at);
        row.recorded_at = stored_time(event.recorded_at);
        Ok(row)
    }

    fn created(event: &Recorded, created: &ClusterCreated) -> Self {
        let occurred_at = stored_time(event.metadata.occurred_at);
        Self {
            id: ClusterId::new(event.stream.uuid),
            org: event.org.clone(),
            name: created.name.clone(),
            status: ClusterStatus::Active,
            description: created.description.clone(),
            minimum_nodes: created.limits.minimum,
            maximum_nodes: created.limits.maximum,
            version: event.version,
            created_at: occurred_at,
            updated_at: occurred_at,
            recorded_at: stored_time(event.recorded_at),
        }
    }

    fn change(&mut self, happened: &ClusterEvent) {
        match happened {
            ClusterEvent::Renamed(renamed) => self.name = renamed.name.clone(),
            ClusterEvent::Described(described) => {
                self.description.clone_from(&described.description);
            }
            ClusterEvent::NodeLimitsChanged(changed) => {
                self.minimum_nodes = changed.limits.minimum;
                self.maximum_nodes = changed.limits.maximum;
            }
            ClusterEvent::Created(_)
            | ClusterEvent::MaintenanceStarted(_)
            | ClusterEvent::MaintenanceEnded(_)
            | ClusterEvent::Deleted(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::event::DomainEvent;

    use super::*;
    use crate::testing::{history, minute, recorded};

    fn folded(events: impl IntoIterator<Item = ClusterEvent>) -> ClusterRow {
        let row = history(events)
            .iter()
            .try_fold(None, |row, event| ClusterRow::fold(row, event).map(Some));
        row.expect("the history makes sense")
            .expect("there are events")
    }

    #[test]
    fn a_creation_fills_the_row() {
        let row = folded(ClusterEvent::samples().into_iter().take(1));
        assert_eq!(row.name.as_str(), "blue");
        assert_eq!((row.minimum_nodes, row.maximum_nodes), (2, 8));
        assert_eq!(row.status, ClusterStatus::Active);
        assert_eq!((row.version.0, row.created_at), (1, minute(1)));
    }

    #[test]
    fn every_event_of_a_life_changes_what_it_says() {
        // The samples are a life, in order.
        let row = folded(ClusterEvent::samples());
        assert_eq!(row.name.as_str(), "green");
        assert_eq!(row.description, "web servers");
        assert_eq!((row.minimum_nodes, row.maximum_nodes), (0, 4));
        assert_eq!(row.status, ClusterStatus::Deleted);
        let in_maintenance = folded(ClusterEvent::samples().into_iter().take(5));
        assert_eq!(in_maintenance.status, ClusterStatus::Maintenance);
    }

    #[test]
    fn nothing_happens_after_the_end() {
        let deleted = folded(ClusterEvent::samples());
        for event in ClusterEvent::samples() {
            let next = recorded(8, event.into());
            assert!(ClusterRow::fold(Some(deleted.clone()), &next).is_err());
        }
    }
}
