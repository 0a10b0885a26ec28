//! Operations on clusters, and the choice of a new droplet's cluster.

use serde_json::json;

use super::{Operation, Resources, Shared, Then, operation};
use crate::random::Random;

/// The most living clusters of a client.
pub(super) const MAX_CLUSTERS: usize = 2;
/// The most droplets of a client's cluster.
const MAX_NODES: u64 = 3;

/// A cluster of a client.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub(super) id: String,
    pub(super) maximum: u64,
    pub(super) in_maintenance: bool,
}

pub(super) fn create(random: &mut Random, unique: &str) -> Operation {
    let maximum = random.between(1, MAX_NODES);
    let input = json!({ "name": format!("c-{unique}"), "maximumNodes": maximum });
    operation("createCluster", input, Then::NewCluster { maximum })
}

impl Resources {
    /// The cluster of a new droplet: mostly a cluster that other clients want too, so that it is often full.
    pub(super) fn cluster_to_join<'a>(
        &'a self,
        random: &mut Random,
        shared: &'a Shared,
    ) -> Option<&'a str> {
        match random.between(0, 99) {
            0..40 => Some(&shared.cluster),
            40..60 if !self.clusters.is_empty() => Some(&random.one_of(&self.clusters).id),
            _ => None,
        }
    }

    /// An operation on a cluster of the client. Some are refused because of the cluster's droplets.
    pub(super) fn about_cluster(&self, random: &mut Random, unique: &str) -> Operation {
        let place = random.below(self.clusters.len());
        let old = &self.clusters[place];
        let id = &old.id;
        let changed = |maximum, in_maintenance| {
            let id = id.clone();
            let cluster = Cluster {
                id,
                maximum,
                in_maintenance,
            };
            Then::Cluster(place, cluster)
        };
        match random.between(0, 99) {
            0..25 => {
                let input = json!({ "id": id, "name": format!("c-{unique}") });
                operation(
                    "renameCluster",
                    input,
                    changed(old.maximum, old.in_maintenance),
                )
            }
            25..50 => {
                // Any but the present one.
                let steps = random.between(1, MAX_NODES - 1);
                let maximum = 1 + (old.maximum - 1 + steps) % MAX_NODES;
                let input = json!({ "id": id, "minimumNodes": 0, "maximumNodes": maximum });
                let then = changed(maximum, old.in_maintenance);
                operation("setClusterNodeLimits", input, then)
            }
            50..75 if old.in_maintenance => {
                let then = changed(old.maximum, false);
                operation("endClusterMaintenance", json!({ "id": id }), then)
            }
            50..60 => {
                let then = changed(old.maximum, true);
                operation("startClusterMaintenance", json!({ "id": id }), then)
            }
            _ => {
                let then = Then::ClusterIsGone(place);
                operation("deleteCluster", json!({ "id": id }), then)
            }
        }
    }
}
