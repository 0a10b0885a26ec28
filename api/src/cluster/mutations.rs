//! Mutations about clusters, one for each command.

use async_graphql::ID;
use commands::cluster::NewCluster;
use domain::cluster::{ClusterUpdate, NodeLimits};
use domain::name::ClusterName;

use super::ClusterRow;
use super::inputs::{
    CreateClusterInput, DeleteClusterInput, DescribeClusterInput, EndClusterMaintenanceInput,
    RenameClusterInput, SetClusterNodeLimitsInput, StartClusterMaintenanceInput,
};
use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::input::Check;
use crate::graph::mutation::carry_out;
use crate::graph::payload::Payload;
use crate::graph::request::new_id;
use crate::graph::scalars::Time;
use crate::identity::roles::Right;

/// Declares the mutations.
pub(super) fn mutations<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    fields
        .mutation(
            "createCluster",
            "Creates a cluster: a named group of droplets, with bounds on their number.",
            create_cluster,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "renameCluster",
            "Gives a cluster another name.",
            rename_cluster,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "describeCluster",
            "Gives a cluster another description.",
            describe_cluster,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "setClusterNodeLimits",
            "Sets the bounds of a cluster's size. The command is rejected while the cluster has \
             more live droplets than the new maximum.",
            set_cluster_node_limits,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "startClusterMaintenance",
            "Puts a cluster in maintenance: the cluster accepts no new droplets until the \
             maintenance ends.",
            start_cluster_maintenance,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "endClusterMaintenance",
            "Puts a cluster in service again after its maintenance.",
            end_cluster_maintenance,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "deleteCluster",
            "Deletes a cluster. The command is rejected while the cluster has live droplets.",
            delete_cluster,
        )
        .needs(Right::Command);
}

async fn create_cluster(
    context: Context,
    input: CreateClusterInput,
) -> Result<Payload<ClusterRow>> {
    let mut check = Check::begin(&context)?;
    let name = check.value("name", ClusterName::parse(input.name));
    let limits = limits(&mut check, input.minimum_nodes, input.maximum_nodes);
    let new = || {
        Some(NewCluster {
            id: new_id(),
            name: name?,
            description: input.description,
            limits: limits?,
        })
    };
    carry_out(
        &context,
        check,
        input.occurred_at,
        new(),
        |commands, about, new| async move { commands.create_cluster(&about, new).await },
    )
    .await
}

async fn rename_cluster(
    context: Context,
    input: RenameClusterInput,
) -> Result<Payload<ClusterRow>> {
    let mut check = Check::begin(&context)?;
    let name = check.value("name", ClusterName::parse(input.name));
    let update = name.map(|name| ClusterUpdate::Rename { name });
    send(&context, check, &input.id, update, input.occurred_at).await
}

async fn describe_cluster(
    context: Context,
    input: DescribeClusterInput,
) -> Result<Payload<ClusterRow>> {
    let description = input.description;
    let update = Some(ClusterUpdate::Describe { description });
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, update, input.occurred_at).await
}

async fn set_cluster_node_limits(
    context: Context,
    input: SetClusterNodeLimitsInput,
) -> Result<Payload<ClusterRow>> {
    let mut check = Check::begin(&context)?;
    let limits = limits(&mut check, input.minimum_nodes, input.maximum_nodes);
    let update = limits.map(|limits| ClusterUpdate::SetNodeLimits { limits });
    send(&context, check, &input.id, update, input.occurred_at).await
}

async fn start_cluster_maintenance(
    context: Context,
    input: StartClusterMaintenanceInput,
) -> Result<Payload<ClusterRow>> {
    let update = Some(ClusterUpdate::StartMaintenance);
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, update, input.occurred_at).await
}

async fn end_cluster_maintenance(
    context: Context,
    input: EndClusterMaintenanceInput,
) -> Result<Payload<ClusterRow>> {
    let update = Some(ClusterUpdate::EndMaintenance);
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, update, input.occurred_at).await
}

async fn delete_cluster(
    context: Context,
    input: DeleteClusterInput,
) -> Result<Payload<ClusterRow>> {
    let mut check = Check::begin(&context)?;
    let id = check.id("id", &input.id);
    carry_out(
        &context,
        check,
        input.occurred_at,
        id,
        |commands, about, id| async move { commands.delete_cluster(&about, id).await },
    )
    .await
}

/// Sends an update of a cluster; `update` is `None` if its input is invalid.
async fn send(
    context: &Context,
    mut check: Check<'_>,
    id: &ID,
    update: Option<ClusterUpdate>,
    occurred_at: Option<Time>,
) -> Result<Payload<ClusterRow>> {
    let id = check.id("id", id);
    let read = id.zip(update);
    carry_out(
        context,
        check,
        occurred_at,
        read,
        |commands, about, (id, update)| async move { commands.cluster(&about, id, update).await },
    )
    .await
}

/// Reads the bounds; the rules check their exact limits.
fn limits(check: &mut Check<'_>, minimum: i32, maximum: i32) -> Option<NodeLimits> {
    let count =
        |number: i32| u32::try_from(number).map_err(|_| "a number of droplets is not negative");
    let minimum = check.value("minimumNodes", count(minimum));
    let maximum = check.value("maximumNodes", count(maximum));
    Some(NodeLimits {
        minimum: minimum?,
        maximum: maximum?,
    })
}
