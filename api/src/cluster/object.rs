//! The GraphQL type `Cluster`.

use super::ClusterRow;
use super::status::ClusterStatus;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::global_id::GlobalId;
use crate::graph::scalars::{BigInt, Time};

impl Object for ClusterRow {
    const NAME: &'static str = "Cluster";
    const DESCRIPTION: &'static str = "A group of droplets. A deleted cluster stays readable.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "id",
            "The id of the cluster, which never changes.",
            |cluster| GlobalId::of(cluster.id),
        );
        state(fields);
    }
}

/// Declares the fields of a cluster that are part of its row, without the id.
pub(super) fn state(fields: &mut Fields<'_, ClusterRow>) {
    fields.text(
        "name",
        "The name of the cluster, unique among the organization's living clusters. A deleted \
         cluster keeps its last name.",
        |cluster| cluster.name.as_str(),
    );
    fields.value("status", "The status of the cluster.", |cluster| {
        ClusterStatus::from(cluster.status)
    });
    fields.text(
        "description",
        "The purpose of the cluster; possibly empty.",
        |cluster| &cluster.description,
    );
    fields.value(
        "minimumNodes",
        "The minimum number of live droplets that the cluster is meant to have.",
        |cluster| cluster.minimum_nodes,
    );
    fields.value(
        "maximumNodes",
        "The maximum number of live droplets that the cluster may have.",
        |cluster| cluster.maximum_nodes,
    );
    fields.value(
        "version",
        "The number of the cluster's events, which grows with every change.",
        |cluster| BigInt(cluster.version.0),
    );
    fields.value(
        "createdAt",
        "The time of the cluster's creation.",
        |cluster| Time(cluster.created_at),
    );
    fields.value("updatedAt", "The time of the last change.", |cluster| {
        Time(cluster.updated_at)
    });
    fields.value(
        "recordedAt",
        "The time at which the platform recorded the last change. Differs from `updatedAt` if an \
         agent reported an earlier event.",
        |cluster| Time(cluster.recorded_at),
    );
}
