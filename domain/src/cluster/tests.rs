use super::*;
use crate::decider::{Rejection, fold};
use crate::decision_table;
use crate::event::DomainEvent;
use crate::input::{InvalidInput, MAX_TEXT_CHARS};
use crate::name::ClusterName;
use crate::testing::{given, given_nothing};

// Every command in every state. Lower case is the event, upper case the rejection, both without
// the prefix `cluster`. Each command asks for something new, where it can.
const DECISIONS: &str = "
    command          | absent    | active              | maintenance         | deleted
    Create           | created   | ALREADY_EXISTS      | ALREADY_EXISTS      | ALREADY_EXISTS
    Rename           | NOT_FOUND | renamed             | renamed             | DELETED
    Describe         | NOT_FOUND | described           | described           | DELETED
    SetNodeLimits    | NOT_FOUND | node_limits_changed | node_limits_changed | DELETED
    StartMaintenance | NOT_FOUND | maintenance_started | -                   | DELETED
    EndMaintenance   | NOT_FOUND | -                   | maintenance_ended   | DELETED
    Delete           | NOT_FOUND | deleted             | deleted             | DELETED
";

// Every event in every state, also where it cannot happen: the status after it.
const TRANSITIONS: &str = "
    event               | absent | active      | maintenance | deleted
    created             | active | active      | maintenance | deleted
    renamed             | absent | active      | maintenance | deleted
    described           | absent | active      | maintenance | deleted
    node_limits_changed | absent | active      | maintenance | deleted
    maintenance_started | absent | maintenance | maintenance | deleted
    maintenance_ended   | absent | active      | active      | deleted
    deleted             | absent | deleted     | deleted     | deleted
";

#[test]
fn every_command_in_every_state() {
    let decisions = decision_table::decisions::<Cluster>(&commands(), &states());
    assert_eq!(
        decisions,
        decision_table::cells(DECISIONS, &ClusterStatus::ALL.map(ClusterStatus::as_str))
    );
}

#[test]
fn every_event_in_every_state() {
    let samples = ClusterEvent::samples();
    let transitions = decision_table::transitions(&samples, &states(), Cluster::status);
    assert_eq!(
        transitions,
        decision_table::cells(TRANSITIONS, &ClusterStatus::ALL.map(ClusterStatus::as_str))
    );
}

#[test]
fn every_event_of_an_accepted_command_changes_the_state() {
    for history in states() {
        let before = fold(Cluster::default(), &history);
        for command in commands() {
            for event in before.decide(&command).unwrap_or_default() {
                assert_ne!(before.clone().evolve(&event), before, "{event:?}");
            }
        }
    }
}

#[test]
fn what_is_already_so_needs_no_event() {
    for update in [
        ClusterUpdate::Rename { name: name("blue") },
        ClusterUpdate::Describe {
            description: String::new(),
        },
        ClusterUpdate::SetNodeLimits {
            limits: limits(1, 3),
        },
        ClusterUpdate::EndMaintenance,
    ] {
        given::<Cluster>([created()]).when(update).then_nothing();
    }
}

#[test]
fn the_bounds_of_the_size_are_checked_where_they_are_set() {
    for (bad, rejection) in [
        (
            limits(0, 0),
            ClusterRejection::InvalidMaximumNodes { maximum: 0 },
        ),
        (
            limits(0, MAX_NODES + 1),
            ClusterRejection::InvalidMaximumNodes {
                maximum: MAX_NODES + 1,
            },
        ),
        (
            limits(4, 3),
            ClusterRejection::MinimumAboveMaximum {
                minimum: 4,
                maximum: 3,
            },
        ),
    ] {
        given_nothing::<Cluster>()
            .when(create(bad, ""))
            .then_rejected(rejection.clone());
        given::<Cluster>([created()])
            .when(ClusterUpdate::SetNodeLimits { limits: bad })
            .then_rejected(rejection);
    }
    for good in [limits(0, 1), limits(MAX_NODES, MAX_NODES)] {
        assert_eq!(good.check(), Ok(()));
    }
}

#[test]
fn a_description_is_bounded() {
    let long = "x".repeat(MAX_TEXT_CHARS + 1);
    let rejection = || {
        ClusterRejection::InvalidInput(InvalidInput::TextTooLong {
            field: "description",
            chars: MAX_TEXT_CHARS + 1,
        })
    };
    given_nothing::<Cluster>()
        .when(create(limits(1, 3), &long))
        .then_rejected(rejection());
    given::<Cluster>([created()])
        .when(ClusterUpdate::Describe { description: long })
        .then_rejected(rejection());
}

#[test]
fn droplets_join_an_active_cluster_only() {
    let joins = |history: &[ClusterEvent]| fold(Cluster::default(), history).takes_droplets();
    let full = ClusterRejection::ClusterFull { maximum: 3 };
    assert_eq!(
        states()
            .iter()
            .map(|history| joins(history))
            .collect::<Vec<_>>(),
        [
            Err(ClusterRejection::ClusterNotFound),
            Ok(Capacity {
                maximum: 3,
                rejection: full
            }),
            Err(ClusterRejection::ClusterInMaintenance),
            Err(ClusterRejection::ClusterDeleted),
        ]
    );
}

#[test]
fn a_cluster_is_deleted_empty_and_never_made_smaller_than_it_is() {
    let required: Vec<_> = commands()
        .iter()
        .filter_map(ClusterCommand::required_capacity)
        .map(|capacity| (capacity.maximum, capacity.rejection.code()))
        .collect();
    assert_eq!(
        required,
        [(4, "CLUSTER_TOO_LARGE"), (0, "CLUSTER_NOT_EMPTY")]
    );
}

/// One of each command, in the order of the table's rows.
fn commands() -> Vec<ClusterCommand> {
    let updates = [
        ClusterUpdate::Rename { name: name("new") },
        ClusterUpdate::Describe {
            description: "new".to_owned(),
        },
        ClusterUpdate::SetNodeLimits {
            limits: limits(2, 4),
        },
        ClusterUpdate::StartMaintenance,
        ClusterUpdate::EndMaintenance,
    ];
    std::iter::once(create(limits(1, 3), ""))
        .chain(updates.map(ClusterCommand::from))
        .chain([ClusterCommand::Delete])
        .collect()
}

/// A history that leads to each state, in the order of the tables' columns.
fn states() -> Vec<Vec<ClusterEvent>> {
    let started = ClusterEvent::from(ClusterMaintenanceStarted {});
    let deleted = ClusterEvent::from(ClusterDeleted {});
    vec![
        vec![],
        vec![created()],
        vec![created(), started],
        vec![created(), deleted],
    ]
}

fn created() -> ClusterEvent {
    ClusterCreated {
        name: name("blue"),
        description: String::new(),
        limits: limits(1, 3),
    }
    .into()
}

fn create(limits: NodeLimits, description: &str) -> ClusterCommand {
    ClusterCommand::Create {
        name: name("blue"),
        description: description.to_owned(),
        limits,
    }
}

fn limits(minimum: u32, maximum: u32) -> NodeLimits {
    NodeLimits { minimum, maximum }
}

fn name(text: &str) -> ClusterName {
    ClusterName::parse(text).expect("a good name")
}
