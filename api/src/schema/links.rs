//! The fields that lead from one resource to others.

use crate::cluster::ClusterRow;
use crate::droplet::DropletRow;
use crate::graph::execute::object::Fields;
use crate::graph::execute::types::Extensions;
use crate::graph::resource::{Resource, by_ids};
use crate::graph::resource_list::nested;
use crate::identity::roles::Right;
use crate::job::JobRow;

/// Returns the fields, by the type that has them.
pub(super) fn links() -> Extensions {
    let mut links = Extensions::default();
    links.add(of_droplets);
    links.add(of_jobs);
    links.add(of_clusters);
    links
}

fn of_droplets(fields: &mut Fields<'_, DropletRow>) {
    fields
        .load(
            "cluster",
            "The cluster to which the droplet belongs, in its current state, if any.",
            |droplet| droplet.cluster,
            by_ids::<ClusterRow>,
        )
        .columns(&["cluster_id"])
        .needs(Right::Query)
        .is_read()
        .shows(ClusterRow::SHOWN_BY);
    fields
        .load(
            "jobs",
            "The jobs that concern the droplet.",
            |droplet| droplet.id.as_uuid(),
            |context, arguments, droplets| {
                nested::<JobRow>(context, arguments, "droplet_id", droplets)
            },
        )
        .columns(&["id"])
        .needs(Right::Query)
        .is_read()
        .shows(JobRow::SHOWN_BY);
}

fn of_jobs(fields: &mut Fields<'_, JobRow>) {
    fields
        .load(
            "droplet",
            "The droplet that the job concerns, in its current state. Null if the job concerns a cluster.",
            |job| job.droplet_id,
            by_ids::<DropletRow>,
        ).columns(&["droplet_id"])
        .needs(Right::Query)
        .is_read()
        .shows(DropletRow::SHOWN_BY);
}

fn of_clusters(fields: &mut Fields<'_, ClusterRow>) {
    fields
        .load(
            "droplets",
            "The droplets of the cluster. Deleted ones are omitted unless the filter asks for them.",
            |cluster| cluster.id.as_uuid(),
            |context, arguments, clusters| {
                nested::<DropletRow>(context, arguments, "cluster_id", clusters)
            },
        ).columns(&["id"])
        .needs(Right::Query)
        .is_read()
        .shows(DropletRow::SHOWN_BY);
}
