//! The next operation of a client, chosen by its knowledge of its droplets, jobs and clusters.

mod clusters;

use serde_json::{Value, json};

use self::clusters::{Cluster, MAX_CLUSTERS};
use crate::ledger::Effect;
use crate::random::Random;
use crate::token::Place;

/// Most living droplets, and most living jobs, of a client.
const MAX_RESOURCES: usize = 6;
/// Most tags that a client puts on a droplet.
const MAX_TAGS: usize = 20;
const SIZES: [&str; 3] = ["s-1vcpu-1gb", "s-1vcpu-2gb", "s-2vcpu-2gb"];
const KINDS: [&str; 3] = ["batch", "backup", "resize"];

/// The droplets, jobs and clusters of a client, by its knowledge.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    droplets: Vec<Droplet>,
    jobs: Vec<Job>,
    clusters: Vec<Cluster>,
}

/// The global ids of the resources that all clients use.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// The droplet that all clients write to.
    pub(crate) droplet: String,
    /// The cluster that the clients' droplets join, with room for fewer droplets than the clients want.
    pub(crate) cluster: String,
}

#[derive(Clone, Debug)]
struct Droplet {
    id: String,
    name: String,
    /// True if the client acts as the droplet's provisioner.
    ours: bool,
    stage: Stage,
    protected: bool,
    tags: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Requested,
    Active,
    Deleting,
}

#[derive(Clone, Debug)]
struct Job {
    id: String,
    /// True if the client acts as the job's runner.
    ours: bool,
    /// The progress of the job, once it runs.
    percent: Option<u64>,
}

/// A mutation that a client sends.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) field: &'static str,
    pub(crate) input: Value,
    pub(crate) effect: Effect,
    then: Then,
}

/// The change of the client's resources when the operation is applied.
#[derive(Clone, Debug)]
enum Then {
    NewDroplet {
        name: String,
        ours: bool,
    },
    NewJob {
        ours: bool,
    },
    /// The new state of the droplet at a place.
    Droplet(usize, Droplet),
    DropletIsGone(usize),
    Job(usize, Job),
    JobIsGone(usize),
    NewCluster {
        maximum: u64,
    },
    Cluster(usize, Cluster),
    ClusterIsGone(usize),
    Nothing,
}

impl Resources {
    /// Chooses the next operation; `unique` is a text of this operation only.
    pub(crate) fn operation(
        &self,
        random: &mut Random,
        unique: &str,
        shared: &Shared,
    ) -> Operation {
        let (droplets, jobs) = (self.droplets.len(), self.jobs.len());
        let clusters = self.clusters.len();
        let can = |count: usize, weight: u64| if count > 0 { weight } else { 0 };
        let below = |count: usize, weight: u64| if count < MAX_RESOURCES { weight } else { 0 };
        type Make = fn(&Resources, &mut Random, &str, &Shared) -> Operation;
        let new_cluster = if clusters < MAX_CLUSTERS { 6 } else { 0 };
        let choices: [(u64, Make); 7] = [
            (below(droplets, 12), Resources::provision),
            (below(jobs, 12), Resources::submit),
            (can(droplets, 45), Resources::about_droplet),
            (can(jobs, 30), Resources::about_job),
            // Many clients write to this one.
            (6, |_, _, unique, shared| {
                let name = format!("shared-{unique}");
                let input = json!({ "id": shared.droplet, "name": name });
                operation("renameDroplet", input, Then::Nothing)
            }),
            (new_cluster, |_, random, unique, _| {
                clusters::create(random, unique)
            }),
            (can(clusters, 8), |resources, random, unique, _| {
                resources.about_cluster(random, unique)
            }),
        ];
        random.weighted(&choices)(self, random, unique, shared)
    }

    /// Updates the resources after an applied operation whose token names `places`.
    pub(crate) fn applied(&mut self, operation: Operation, places: &[Place]) {
        let id = |kind: &str| {
            places
                .first()
                .map(|place| format!("{kind}:{}", place.stream))
        };
        match operation.then {
            Then::NewDroplet { name, ours } => {
                self.droplets.extend(id("Droplet").map(|id| Droplet {
                    id,
                    name,
                    ours,
                    stage: Stage::Requested,
                    protected: false,
                    tags: Vec::new(),
                }));
            }
            Then::NewJob { ours } => {
                let percent = None;
                self.jobs
                    .extend(id("Job").map(|id| Job { id, ours, percent }));
            }
            Then::NewCluster { maximum } => {
                self.clusters.extend(id("Cluster").map(|id| Cluster {
                    id,
                    maximum,
                    in_maintenance: false,
                }));
            }
            Then::Cluster(place, cluster) => self.clusters[place] = cluster,
            Then::ClusterIsGone(place) => drop(self.clusters.swap_remove(place)),
            Then::Droplet(place, droplet) => self.droplets[place] = droplet,
            Then::Job(place, job) => self.jobs[place] = job,
            Then::DropletIsGone(place) => drop(self.droplets.swap_remove(place)),
            Then::JobIsGone(place) => drop(self.jobs.swap_remove(place)),
            Then::Nothing => {}
        }
    }

    /// Removes the resource of an operation that was refused or has an unknown outcome.
    pub(crate) fn failed(&mut self, operation: Operation) {
        match operation.then {
            Then::Droplet(place, _) | Then::DropletIsGone(place) => {
                self.droplets.swap_remove(place);
            }
            Then::Job(place, _) | Then::JobIsGone(place) => drop(self.jobs.swap_remove(place)),
            Then::Cluster(place, _) => drop(self.clusters.swap_remove(place)),
            // Mostly it has droplets. If it is gone, the next operation on it is refused.
            Then::ClusterIsGone(_)
            | Then::NewDroplet { .. }
            | Then::NewJob { .. }
            | Then::NewCluster { .. }
            | Then::Nothing => {}
        }
    }

    fn provision(&self, random: &mut Random, unique: &str, shared: &Shared) -> Operation {
        let ours = random.happens(70);
        let name = format!("d-{unique}");
        let input = json!({
            "name": name,
            "size": random.one_of(&SIZES),
            "region": "nyc3",
            "image": "ubuntu-24-04-x64",
            "provisioner": if ours { "AGENT" } else { "PLATFORM" },
            "cluster": self.cluster_to_join(random, shared),
        });
        operation("provisionDroplet", input, Then::NewDroplet { name, ours })
    }

    fn submit(&self, random: &mut Random, unique: &str, _: &Shared) -> Operation {
        let ours = random.happens(75);
        let mut input = json!({
            "kind": random.one_of(&KINDS),
            "parameters": { "operation": unique },
            "runner": if ours { "AGENT" } else { "PLATFORM" },
        });
        if self.droplets.is_empty() || random.happens(50) {
            input["target"] = json!({ "clusterLabel": "blue" });
        } else {
            input["target"] = json!({ "droplet": random.one_of(&self.droplets).id });
        }
        operation("submitJob", input, Then::NewJob { ours })
    }

    fn about_droplet(&self, random: &mut Random, unique: &str, shared: &Shared) -> Operation {
        let place = random.below(self.droplets.len());
        let old = &self.droplets[place];
        let id = &old.id;
        if old.stage == Stage::Deleting {
            return match old.ours {
                true => operation(
                    "reportDropletDeleted",
                    json!({ "id": id }),
                    Then::DropletIsGone(place),
                ),
                // The platform deletes it.
                false => operation(
                    "deleteDroplet",
                    json!({ "id": id }),
                    Then::DropletIsGone(place),
                ),
            };
        }
        if old.ours && old.stage == Stage::Requested && random.happens(60) {
            if random.happens(10) {
                let input = json!({ "id": id, "reason": unique });
                return operation("reportDropletFailed", input, Then::DropletIsGone(place));
            }
            let addresses = json!([{ "kind": "PRIVATE", "ip": "192.0.2.17" }]);
            let input = json!({ "id": id, "addresses": addresses });
            let new = Droplet {
                stage: Stage::Active,
                ..old.clone()
            };
            return operation("reportDropletActive", input, Then::Droplet(place, new));
        }
        match random.between(0, 99) {
            0..40 if old.tags.len() < MAX_TAGS => {
                let tag = format!("t:{unique}");
                let mut new = old.clone();
                new.tags.push(tag.clone());
                let input = json!({ "id": id, "tag": tag });
                operation("tagDroplet", input, Then::Droplet(place, new))
            }
            0..55 if !old.tags.is_empty() => {
                let mut new = old.clone();
                let tag = new.tags.swap_remove(random.below(new.tags.len()));
                let input = json!({ "id": id, "tag": tag });
                operation("untagDroplet", input, Then::Droplet(place, new))
            }
            0..70 => {
                let name = format!("d-{unique}");
                let new = Droplet {
                    name: name.clone(),
                    ..old.clone()
                };
                let input = json!({ "id": id, "name": name });
                operation("renameDroplet", input, Then::Droplet(place, new))
            }
            70..80 if old.protected => {
                let new = Droplet {
                    protected: false,
                    ..old.clone()
                };
                operation(
                    "unprotectDroplet",
                    json!({ "id": id }),
                    Then::Droplet(place, new),
                )
            }
            70..80 => {
                let new = Droplet {
                    protected: true,
                    ..old.clone()
                };
                operation(
                    "protectDroplet",
                    json!({ "id": id }),
                    Then::Droplet(place, new),
                )
            }
            80..84 => {
                let field = if old.protected {
                    "protectDroplet"
                } else {
                    "unprotectDroplet"
                };
                let effect = Effect::Nothing;
                Operation {
                    effect,
                    ..operation(field, json!({ "id": id }), Then::Nothing)
                }
            }
            84..88 => {
                let mut operation = self.provision(random, unique, shared);
                // A name that is taken.
                operation.input["name"] = json!(old.name);
                Operation {
                    then: Then::Nothing,
                    ..operation
                }
            }
            // Refused while it is protected.
            _ if old.protected => operation("deleteDroplet", json!({ "id": id }), Then::Nothing),
            _ => {
                let new = Droplet {
                    stage: Stage::Deleting,
                    ..old.clone()
                };
                let then = if old.ours {
                    Then::Droplet(place, new)
                } else {
                    Then::DropletIsGone(place)
                };
                operation("deleteDroplet", json!({ "id": id }), then)
            }
        }
    }

    fn about_job(&self, random: &mut Random, unique: &str, _: &Shared) -> Operation {
        let place = random.below(self.jobs.len());
        let old = &self.jobs[place];
        let id = &old.id;
        if !old.ours || random.happens(5) {
            let input = json!({ "id": id, "reason": unique });
            return operation("cancelJob", input, Then::JobIsGone(place));
        }
        let Some(percent) = old.percent else {
            let input = json!({ "id": id, "worker": format!("w-{unique}") });
            let new = Job {
                percent: Some(0),
                ..old.clone()
            };
            return operation("startJob", input, Then::Job(place, new));
        };
        if percent >= 90 || random.happens(15) {
            return if random.happens(80) {
                let input = json!({ "id": id, "result": { "operation": unique } });
                operation("succeedJob", input, Then::JobIsGone(place))
            } else {
                let input = json!({ "id": id, "reason": unique });
                operation("failJob", input, Then::JobIsGone(place))
            };
        }
        let percent = percent + random.between(1, 10);
        let input = json!({ "id": id, "percent": percent, "message": unique });
        let new = Job {
            percent: Some(percent),
            ..old.clone()
        };
        operation("reportJobProgress", input, Then::Job(place, new))
    }
}

fn operation(field: &'static str, input: Value, then: Then) -> Operation {
    let effect = Effect::Events;
    Operation {
        field,
        input,
        effect,
        then,
    }
}
