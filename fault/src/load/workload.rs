//! What a client wants next, from what it knows of its own droplets and jobs.

use serde_json::{Value, json};

use crate::ledger::Effect;
use crate::random::Random;
use crate::token::Place;

/// The most living droplets and jobs that a client has.
const MOST: usize = 6;
/// The most tags that a client puts on a droplet.
const TAGS: usize = 20;
const SIZES: [&str; 3] = ["s-1vcpu-1gb", "s-1vcpu-2gb", "s-2vcpu-2gb"];
const KINDS: [&str; 3] = ["batch", "backup", "resize"];

/// What a client knows of its own.
#[derive(Debug, Default)]
pub(crate) struct World {
    droplets: Vec<Droplet>,
    jobs: Vec<Job>,
}

#[derive(Clone, Debug)]
struct Droplet {
    id: String,
    name: String,
    /// Whether we make its machine.
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
    /// Whether we run it.
    ours: bool,
    /// How much of it is done, once it runs.
    percent: Option<u64>,
}

/// Something that a client wants.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) field: &'static str,
    pub(crate) input: Value,
    pub(crate) effect: Effect,
    then: Then,
}

/// What has changed when the wish is granted.
#[derive(Clone, Debug)]
enum Then {
    NewDroplet {
        name: String,
        ours: bool,
    },
    NewJob {
        ours: bool,
    },
    /// The droplet at a place is so.
    Droplet(usize, Droplet),
    DropletIsGone(usize),
    Job(usize, Job),
    JobIsGone(usize),
    Nothing,
}

impl World {
    /// The next wish; `unique` is a text that no other wish has.
    pub(crate) fn wish(&self, random: &mut Random, unique: &str, shared: &str) -> Wish {
        let (droplets, jobs) = (self.droplets.len(), self.jobs.len());
        let can = |count: usize, weight: u64| if count > 0 { weight } else { 0 };
        let below = |count: usize, weight: u64| if count < MOST { weight } else { 0 };
        type Make = fn(&World, &mut Random, &str, &str) -> Wish;
        let choices: [(u64, Make); 5] = [
            (below(droplets, 12), |_, random, unique, _| {
                provision(random, unique)
            }),
            (below(jobs, 12), World::submit),
            (can(droplets, 45), World::about_droplet),
            (can(jobs, 30), World::about_job),
            // Many clients write to this one.
            (6, |_, _, unique, shared| {
                let input = json!({ "id": shared, "name": format!("shared-{unique}") });
                wish("renameDroplet", input, Then::Nothing)
            }),
        ];
        random.weighted(&choices)(self, random, unique, shared)
    }

    /// The wish was granted; its token names these places.
    pub(crate) fn granted(&mut self, wish: Wish, places: &[Place]) {
        let id = |kind: &str| {
            places
                .first()
                .map(|place| format!("{kind}:{}", place.stream))
        };
        match wish.then {
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
            Then::Droplet(place, droplet) => self.droplets[place] = droplet,
            Then::Job(place, job) => self.jobs[place] = job,
            Then::DropletIsGone(place) => drop(self.droplets.swap_remove(place)),
            Then::JobIsGone(place) => drop(self.jobs.swap_remove(place)),
            Then::Nothing => {}
        }
    }

    /// The wish was refused, or nobody knows: what it was about is not known any more.
    pub(crate) fn not_granted(&mut self, wish: Wish) {
        match wish.then {
            Then::Droplet(place, _) | Then::DropletIsGone(place) => {
                self.droplets.swap_remove(place);
            }
            Then::Job(place, _) | Then::JobIsGone(place) => drop(self.jobs.swap_remove(place)),
            Then::NewDroplet { .. } | Then::NewJob { .. } | Then::Nothing => {}
        }
    }

    fn submit(&self, random: &mut Random, unique: &str, _: &str) -> Wish {
        let ours = random.happens(75);
        let mut input = json!({
            "kind": random.one_of(&KINDS),
            "parameters": { "wish": unique },
            "runner": if ours { "AGENT" } else { "PLATFORM" },
        });
        if self.droplets.is_empty() || random.happens(50) {
            input["cluster"] = json!("blue");
        } else {
            input["droplet"] = json!(random.one_of(&self.droplets).id);
        }
        wish("submitJob", input, Then::NewJob { ours })
    }

    fn about_droplet(&self, random: &mut Random, unique: &str, _: &str) -> Wish {
        let place = random.below(self.droplets.len());
        let old = &self.droplets[place];
        let id = &old.id;
        if old.stage == Stage::Deleting {
            return match old.ours {
                true => wish(
                    "reportDropletDeleted",
                    json!({ "id": id }),
                    Then::DropletIsGone(place),
                ),
                // The platform does the rest.
                false => wish(
                    "deleteDroplet",
                    json!({ "id": id }),
                    Then::DropletIsGone(place),
                ),
            };
        }
        if old.ours && old.stage == Stage::Requested && random.happens(60) {
            if random.happens(10) {
                let input = json!({ "id": id, "reason": unique });
                return wish("reportDropletFailed", input, Then::DropletIsGone(place));
            }
            let addresses = json!([{ "kind": "PRIVATE", "ip": "192.0.2.17" }]);
            let input = json!({ "id": id, "addresses": addresses });
            let new = Droplet {
                stage: Stage::Active,
                ..old.clone()
            };
            return wish("reportDropletActive", input, Then::Droplet(place, new));
        }
        match random.between(0, 99) {
            0..40 if old.tags.len() < TAGS => {
                let tag = format!("t:{unique}");
                let mut new = old.clone();
                new.tags.push(tag.clone());
                let input = json!({ "id": id, "tag": tag });
                wish("tagDroplet", input, Then::Droplet(place, new))
            }
            0..55 if !old.tags.is_empty() => {
                let mut new = old.clone();
                let tag = new.tags.swap_remove(random.below(new.tags.len()));
                let input = json!({ "id": id, "tag": tag });
                wish("untagDroplet", input, Then::Droplet(place, new))
            }
            0..70 => {
                let name = format!("d-{unique}");
                let new = Droplet {
                    name: name.clone(),
                    ..old.clone()
                };
                let input = json!({ "id": id, "name": name });
                wish("renameDroplet", input, Then::Droplet(place, new))
            }
            70..80 if old.protected => {
                let new = Droplet {
                    protected: false,
                    ..old.clone()
                };
                wish(
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
                wish(
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
                Wish {
                    effect,
                    ..wish(field, json!({ "id": id }), Then::Nothing)
                }
            }
            84..88 => {
                let mut wish = provision(random, unique);
                // Another one has it.
                wish.input["name"] = json!(old.name);
                Wish {
                    then: Then::Nothing,
                    ..wish
                }
            }
            // Refused while it is protected.
            _ if old.protected => wish("deleteDroplet", json!({ "id": id }), Then::Nothing),
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
                wish("deleteDroplet", json!({ "id": id }), then)
            }
        }
    }

    fn about_job(&self, random: &mut Random, unique: &str, _: &str) -> Wish {
        let place = random.below(self.jobs.len());
        let old = &self.jobs[place];
        let id = &old.id;
        if !old.ours || random.happens(5) {
            let input = json!({ "id": id, "reason": unique });
            return wish("cancelJob", input, Then::JobIsGone(place));
        }
        let Some(percent) = old.percent else {
            let input = json!({ "id": id, "worker": format!("w-{unique}") });
            let new = Job {
                percent: Some(0),
                ..old.clone()
            };
            return wish("startJob", input, Then::Job(place, new));
        };
        if percent >= 90 || random.happens(15) {
            return if random.happens(80) {
                let input = json!({ "id": id, "result": { "wish": unique } });
                wish("succeedJob", input, Then::JobIsGone(place))
            } else {
                let input = json!({ "id": id, "reason": unique });
                wish("failJob", input, Then::JobIsGone(place))
            };
        }
        let percent = percent + random.between(1, 10);
        let input = json!({ "id": id, "percent": percent, "message": unique });
        let new = Job {
            percent: Some(percent),
            ..old.clone()
        };
        wish("reportJobProgress", input, Then::Job(place, new))
    }
}

fn provision(random: &mut Random, unique: &str) -> Wish {
    let ours = random.happens(70);
    let name = format!("d-{unique}");
    let input = json!({
        "name": name,
        "size": random.one_of(&SIZES),
        "region": "nyc3",
        "image": "ubuntu-24-04-x64",
        "provisioner": if ours { "AGENT" } else { "PLATFORM" },
    });
    wish("provisionDroplet", input, Then::NewDroplet { name, ours })
}

fn wish(field: &'static str, input: Value, then: Then) -> Wish {
    let effect = Effect::Events;
    Wish {
        field,
        input,
        effect,
        then,
    }
}
