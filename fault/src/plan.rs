//! The plan: which faults are injected at which times.
//!
//! The plan is a pure function of the seed, the mode and the length, for one version of the rig's plans. The
//! rig writes the plan to a file before the run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::faults::{Crash, Drawn, End, Fault, Lease, Role, Target};
use crate::random::Random;

/// The version of the plans, incremented with every change to the faults, their weights or their random
/// choice.
///
/// Version 2 added rebuilds and pauses of projections. Version 3 added the read model and the topic of
/// clusters.
pub(crate) const VERSION: u32 = 3;

/// A fault and its time in milliseconds after the start of the load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) at: u64,
    #[serde(flatten)]
    pub(crate) fault: Fault,
}

/// The mode of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// Separate processes, with Kafka.
    Kafka,
    /// A single process.
    Embedded,
    /// Separate processes, and only relays are killed.
    RelayKills(u32),
}

/// The read models.
const PROJECTIONS: [&str; 5] = ["droplets", "jobs", "clusters", "activity", "counts"];

/// Milliseconds without faults at the beginning.
const QUIET_BEFORE: u64 = 2_000;
/// Length from which a run has longer open transactions, and deletes topics.
const LONG: Duration = Duration::from_secs(5 * 60);

/// Returns the faults of a run, in order of time. The last faults may outlast the run's end.
pub(crate) fn plan(seed: u64, run: Run, length: Duration) -> Vec<Planned> {
    let mut random = Random::of(seed, "faults", 0);
    let mut planned = Vec::new();
    let mut at = QUIET_BEFORE;
    if let Run::RelayKills(kills) = run {
        for _ in 0..kills {
            let target = target(&mut random, Role::Relay, 2);
            let down = random.between(0, 200);
            planned.push(Planned {
                at,
                fault: Fault::Kill { target, down },
            });
            at += random.between(300, 3_500);
        }
        return planned;
    }
    let end = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    // A whole platform with its Postgres takes longer to restart than one of nine processes.
    let pause = if run == Run::Embedded {
        (1_000, 11_000)
    } else {
        (200, 8_000)
    };
    let is_long = length >= LONG;
    while at < end {
        let fault = match run {
            Run::Embedded => embedded(&mut random, is_long),
            Run::Kafka | Run::RelayKills(_) => distributed(&mut random, is_long),
        };
        planned.push(Planned { at, fault });
        at += random.between(pause.0, pause.1);
    }
    if run == Run::Kafka && is_long {
        // Once in a run, in its middle third.
        let at = random.between(end / 3, 2 * end / 3);
        let stream_type = (*random.one_of(&["droplet", "job", "cluster"])).to_owned();
        planned.push(Planned {
            at,
            fault: Fault::RemakeTopic { stream_type },
        });
        planned.sort_by_key(|planned| planned.at);
    }
    planned
}

#[derive(Clone, Copy)]
enum Kind {
    Kill,
    Restart,
    Pause,
    CrashPostgres,
    PausePostgres,
    PauseBackend,
    KillKafka,
    PauseKafka,
    IdleTransaction,
    DrawnInVain,
    FullDisk,
    StepLease,
    Redeliver,
    Rebuild,
    PauseProjection,
}

fn distributed(random: &mut Random, is_long: bool) -> Fault {
    let kind = random.weighted(&[
        (26, Kind::Kill),
        (7, Kind::Restart),
        (22, Kind::Pause),
        (6, Kind::CrashPostgres),
        (3, Kind::PausePostgres),
        (6, Kind::PauseBackend),
        (5, Kind::KillKafka),
        (3, Kind::PauseKafka),
        (7, Kind::IdleTransaction),
        (8, Kind::DrawnInVain),
        (3, Kind::FullDisk),
        (6, Kind::StepLease),
        (4, Kind::Redeliver),
        (6, Kind::Rebuild),
        (3, Kind::PauseProjection),
    ]);
    let (role, count) = *random.one_of(&Role::DISTRIBUTED);
    let target = target(random, role, count);
    fault(random, kind, target, is_long)
}

fn embedded(random: &mut Random, is_long: bool) -> Fault {
    let kind = random.weighted(&[
        (30, Kind::Kill),
        (10, Kind::Restart),
        (15, Kind::Pause),
        (14, Kind::CrashPostgres),
        (4, Kind::PausePostgres),
        (8, Kind::PauseBackend),
        (9, Kind::IdleTransaction),
        (9, Kind::DrawnInVain),
        (4, Kind::FullDisk),
        (5, Kind::StepLease),
        (6, Kind::Rebuild),
        (3, Kind::PauseProjection),
    ]);
    let target = target(random, Role::Up, 1);
    fault(random, kind, target, is_long)
}

fn fault(random: &mut Random, kind: Kind, target: Target, is_long: bool) -> Fault {
    match kind {
        Kind::Kill => Fault::Kill {
            target,
            down: down(random),
        },
        Kind::Restart => Fault::Restart {
            target,
            down: down(random),
        },
        Kind::Pause => Fault::Pause {
            target,
            lasts: random.between(500, 8_000),
        },
        Kind::CrashPostgres => Fault::CrashPostgres {
            how: *random.one_of(&[Crash::Immediate, Crash::Kill]),
            down: random.between(0, 3_000),
        },
        Kind::PausePostgres => Fault::PausePostgres {
            lasts: random.between(500, 4_000),
        },
        Kind::PauseBackend => Fault::PauseBackend {
            lasts: random.between(200, 6_000),
        },
        Kind::KillKafka => Fault::KillKafka {
            down: random.between(0, 5_000),
        },
        Kind::PauseKafka => Fault::PauseKafka {
            lasts: random.between(500, 8_000),
        },
        Kind::IdleTransaction => Fault::IdleTransaction {
            lasts: random.between(1_000, if is_long { 60_000 } else { 20_000 }),
            end: *random.one_of(&[End::Commit, End::RollBack]),
        },
        Kind::DrawnInVain => Fault::DrawnInVain {
            how: *random.one_of(&[Drawn::NumberOnly, Drawn::EventRolledBack]),
            numbers: random.between(1, 20),
        },
        Kind::FullDisk => Fault::FullDisk {
            lasts: random.between(1_000, 6_000),
        },
        Kind::StepLease => {
            let seconds = i64::try_from(random.between(1, 120)).expect("it is at most 120");
            Fault::StepLease {
                lease: *random.one_of(&[Lease::Sequencer, Lease::Publisher]),
                seconds: if random.happens(50) {
                    seconds
                } else {
                    -seconds
                },
            }
        }
        Kind::Redeliver => Fault::Redeliver {
            messages: i64::try_from(random.between(1, 500)).expect("it is at most 500"),
            target: Target {
                role: Role::Project,
                number: random.below(3),
            },
        },
        Kind::Rebuild => Fault::Rebuild {
            projection: (*random.one_of(&PROJECTIONS)).to_owned(),
        },
        Kind::PauseProjection => Fault::PauseProjection {
            projection: (*random.one_of(&PROJECTIONS)).to_owned(),
            lasts: random.between(500, 6_000),
        },
    }
}

fn target(random: &mut Random, role: Role, count: usize) -> Target {
    Target {
        role,
        number: random.below(count),
    }
}

/// Downtime in milliseconds: half of the processes restart at once, the rest after up to 5 s.
fn down(random: &mut Random) -> u64 {
    if random.happens(50) {
        0
    } else {
        random.between(0, 5_000)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

    #[test]
    fn the_same_seed_gives_the_same_plan() {
        for run in [Run::Kafka, Run::Embedded, Run::RelayKills(20)] {
            let plan = |seed| plan(seed, run, HALF_AN_HOUR);
            assert_eq!(plan(7), plan(7));
            assert_ne!(plan(7), plan(8));
        }
    }

    #[test]
    fn another_plan_for_a_seed_needs_another_version() {
        let plans =
            [Run::Kafka, Run::Embedded, Run::RelayKills(20)].map(|run| plan(7, run, HALF_AN_HOUR));
        let text = serde_json::to_string(&plans).unwrap();
        // FNV-1a, which is the same on every machine.
        let digest = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
                (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        assert_eq!((VERSION, digest), (3, 13_263_217_561_902_644_475));
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let plan = plan(7, Run::Kafka, HALF_AN_HOUR);
        let written = serde_json::to_string(&plan).unwrap();
        assert_eq!(
            serde_json::from_str::<Vec<Planned>>(&written).unwrap(),
            plan
        );
    }

    #[test]
    fn half_an_hour_has_hundreds_of_faults_of_every_kind_in_order_of_time() {
        let plan = plan(7, Run::Kafka, HALF_AN_HOUR);
        assert!((350..600).contains(&plan.len()), "{}", plan.len());
        assert!(plan.is_sorted_by_key(|planned| planned.at));
        let kinds: BTreeSet<_> = plan.iter().map(|planned| planned.fault.kind()).collect();
        assert_eq!(kinds.len(), 27, "{kinds:?}");
    }

    #[test]
    fn relays_are_killed_as_often_as_asked() {
        let plan = plan(7, Run::RelayKills(200), Duration::ZERO);
        assert_eq!(plan.len(), 200);
        assert!(
            plan.iter()
                .all(|planned| planned.fault.kind() == "kill -9 of relay")
        );
    }
}
