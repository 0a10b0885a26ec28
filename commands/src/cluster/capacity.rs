//! Enforces the number of live droplets that a cluster may have.
//!
//! The number is a counter, which the append changes and checks in one statement. So of any droplets that
//! join at once only as many succeed as there is room for. None joins a cluster that is deleted, in
//! maintenance or made smaller at the same time. The reason: a decision on a cluster's state reads its
//! stream, and the append checks that the stream did not change.

use std::borrow::Cow;

use domain::cluster::{Capacity, Cluster, ClusterCommand, live_droplets};
use domain::ids::ClusterId;

use crate::decision::Decision;
use crate::error::{CommandError, Rejected};
use crate::streams::{Loaded, Streams};

/// Lets a cluster decide, and requires the number of live droplets that the command needs.
pub(super) async fn decide(
    streams: &mut Streams<'_>,
    id: ClusterId,
    command: &ClusterCommand,
) -> Result<Decision, CommandError> {
    let cluster: Loaded<Cluster> = streams.load(id).await?;
    let decision = Decision::from(cluster.decide(command)?);
    Ok(match command.required_capacity() {
        Some(capacity) => require(decision, id, &capacity, None),
        None => decision,
    })
}

/// Adds the requirements of the cluster to the decision that makes a droplet live. Rejections name `field`.
pub(crate) async fn join(
    streams: &mut Streams<'_>,
    id: ClusterId,
    decision: Decision,
    field: &'static str,
) -> Result<Decision, CommandError> {
    let cluster: Loaded<Cluster> = streams.load(id).await?;
    let capacity = cluster.state.takes_droplets();
    let capacity = capacity.map_err(|rejection| Rejected {
        field: Some(field.into()),
        ..Rejected::by_rule(&rejection)
    })?;
    Ok(require(decision, id, &capacity, Some(field)))
}

fn require(
    decision: Decision,
    id: ClusterId,
    capacity: &Capacity,
    field: Option<&'static str>,
) -> Decision {
    let rejected = Rejected::by_rule(&capacity.rejection);
    let rejected = Rejected {
        field: field.map(Cow::Borrowed).or(rejected.field),
        ..rejected
    };
    let within = 0..=i64::from(capacity.maximum);
    decision.require(live_droplets(id), within, rejected)
}
