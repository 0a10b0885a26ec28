//! Mutations about clusters, one for each command.

use async_graphql::{Context, ID, Object, Result};
use commands::cluster::NewCluster;
use domain::cluster::{ClusterUpdate, NodeLimits};
use domain::name::ClusterName;

use super::inputs::{
    CreateClusterInput, DeleteClusterInput, DescribeClusterInput, EndClusterMaintenanceInput,
    RenameClusterInput, SetClusterNodeLimitsInput, StartClusterMaintenanceInput,
};
use super::payload::ClusterPayload;
use crate::graph::guard::Needs;
use crate::graph::input::Check;
use crate::graph::mutation::carry_out;
use crate::graph::request::new_id;
use crate::graph::scalars::Time;
use crate::identity::roles::Right;

#[derive(Default)]
pub(crate) struct ClusterMutations;

/// Mutations about clusters.
#[Object]
impl ClusterMutations {
    /// Creates a cluster: a named group of droplets, with bounds on their number.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn create_cluster(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cluster to create.")] input: CreateClusterInput,
    ) -> Result<ClusterPayload> {
        let mut check = Check::begin(context)?;
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
            context,
            check,
            input.occurred_at,
            new(),
            |commands, about, new| async move { commands.create_cluster(&about, new).await },
        )
        .await
    }

    /// Gives a cluster another name.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn rename_cluster(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cluster and its new name.")] input: RenameClusterInput,
    ) -> Result<ClusterPayload> {
        let mut check = Check::begin(context)?;
        let name = check.value("name", ClusterName::parse(input.name));
        let update = name.map(|name| ClusterUpdate::Rename { name });
        send(context, check, &input.id, update, input.occurred_at).await
    }

    /// Gives a cluster another description.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn describe_cluster(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cluster and its purpose.")] input: DescribeClusterInput,
    ) -> Result<ClusterPayload> {
        let description = input.description;
        let update = Some(ClusterUpdate::Describe { description });
        let check = Check::begin(context)?;
        send(context, check, &input.id, update, input.occurred_at).await
    }

    /// Sets the bounds of a cluster's size. The command is rejected while the cluster has more live
    /// droplets than the new maximum.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn set_cluster_node_limits(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cluster and its bounds.")] input: SetClusterNodeLimitsInput,
    ) -> Result<ClusterPayload> {
        let mut check = Check::begin(context)?;
        let limits = limits(&mut check, input.minimum_nodes, input.maximum_nodes);
        let update = limits.map(|limits| ClusterUpdate::SetNodeLimits { limits });
        send(context, check, &input.id, update, input.occurred_at).await
    }

    /// Puts a cluster in maintenance: the cluster accepts no new droplets until the maintenance ends.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn start_cluster_maintenance(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cluster.")] input: StartClusterMaintenanceInput,
    ) -> Result<ClusterPayload> {
        let update = Some(ClusterUpdate::StartMaintenance);
        let check = Check::begin(context)?;
        send(context, check, &input.id, update, input.occurred_at).await
    }

    /// Puts a cluster in service again after its maintenance.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn end_cluster_maintenance(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cluster.")] input: EndClusterMaintenanceInput,
    ) -> Result<ClusterPayload> {
        let update = Some(ClusterUpdate::EndMaintenance);
        let check = Check::begin(context)?;
        send(context, check, &input.id, update, input.occurred_at).await
    }

    /// Deletes a cluster. The command is rejected while the cluster has live droplets.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn delete_cluster(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cluster.")] input: DeleteClusterInput,
    ) -> Result<ClusterPayload> {
        let mut check = Check::begin(context)?;
        let id = check.id("id", &input.id);
        carry_out(
            context,
            check,
            input.occurred_at,
            id,
            |commands, about, id| async move { commands.delete_cluster(&about, id).await },
        )
        .await
    }
}

/// Sends an update of a cluster; `update` is `None` if its input is invalid.
async fn send(
    context: &Context<'_>,
    mut check: Check<'_>,
    id: &ID,
    update: Option<ClusterUpdate>,
    occurred_at: Option<Time>,
) -> Result<ClusterPayload> {
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
