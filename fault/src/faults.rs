//! Everything that can go wrong in a run, as it is written down in the plan.

use serde::{Deserialize, Serialize};

/// A kind of process of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Api,
    Relay,
    Project,
    Work,
    /// All of it in one process.
    Up,
}

impl Role {
    /// The processes of a distributed installation.
    pub(crate) const DISTRIBUTED: [(Self, usize); 4] = [
        (Self::Api, 2),
        (Self::Relay, 2),
        (Self::Project, 3),
        (Self::Work, 2),
    ];

    /// The subcommand.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Relay => "relay",
            Self::Project => "project",
            Self::Work => "work",
            Self::Up => "up",
        }
    }
}

/// One process of the platform: the first, second, ... of its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) role: Role,
    pub(crate) number: usize,
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.role.as_str(), self.number)
    }
}

/// Something that goes wrong. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "fault")]
pub(crate) enum Fault {
    /// `kill -9`, and started again after a while.
    Kill { target: Target, down: u64 },
    /// Stopped in order, and started again: consumer groups are rebalanced, leases are handed over.
    Restart { target: Target, down: u64 },
    /// SIGSTOP, and SIGCONT after a while.
    Pause { target: Target, lasts: u64 },
    /// Postgres ends at once, without a checkpoint, and is started again: by an immediate shutdown, or
    /// by `kill -9` of its first process.
    CrashPostgres { how: Crash, down: u64 },
    /// All processes of Postgres stand still.
    PausePostgres { lasts: u64 },
    /// One connection of Postgres stands still in the middle of a statement of a command: its numbers are
    /// drawn, and its events appear late.
    PauseBackend { lasts: u64 },
    /// `kill -9` of the broker, and started again.
    KillKafka { down: u64 },
    /// The broker stands still.
    PauseKafka { lasts: u64 },
    /// Somebody else's transaction has written, stays open, and then ends.
    IdleTransaction { lasts: u64, end: End },
    /// Numbers are drawn as the append draws them, and no event comes of it.
    DrawnInVain { how: Drawn, numbers: u64 },
    /// The disk of Postgres's data has no room left.
    FullDisk { lasts: u64 },
    /// The expiry of a lease jumps: what a step of the database's clock by as much does to it.
    StepLease { lease: Lease, seconds: i64 },
    /// Consumers are sent back in Kafka by so many messages of every partition, and one of them is
    /// killed, so that what they have applied is delivered to them again.
    Redeliver { messages: i64, target: Target },
    /// A topic is deleted; the relay makes it anew.
    RemakeTopic { stream_type: String },
    /// A read model is made anew beside the one that serves, and takes its place: no fault, but something
    /// that faults must not disturb.
    Rebuild { projection: String },
    /// An operator stops a projection, and lets it go on.
    PauseProjection { projection: String, lasts: u64 },
}

/// How Postgres ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Crash {
    Immediate,
    Kill,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum End {
    Commit,
    RollBack,
}

/// How numbers are drawn in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Drawn {
    /// From the sequence, by itself.
    NumberOnly,
    /// By events that are inserted and rolled back.
    EventRolledBack,
}

/// A lease of the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Lease {
    Sequencer,
    Publisher,
}

impl Fault {
    /// The kind, for the report's table.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Kill { target, .. } => format!("kill -9 of {}", target.role.as_str()),
            Self::Restart { target, .. } => format!("stop and start of {}", target.role.as_str()),
            Self::Pause { target, .. } => format!("SIGSTOP of {}", target.role.as_str()),
            Self::CrashPostgres { how, .. } => match how {
                Crash::Immediate => "immediate shutdown of postgres".to_owned(),
                Crash::Kill => "kill -9 of postgres".to_owned(),
            },
            Self::PausePostgres { .. } => "SIGSTOP of postgres".to_owned(),
            Self::PauseBackend { .. } => "SIGSTOP of a statement".to_owned(),
            Self::KillKafka { .. } => "kill -9 of kafka".to_owned(),
            Self::PauseKafka { .. } => "SIGSTOP of kafka".to_owned(),
            Self::IdleTransaction { .. } => "idle write transaction".to_owned(),
            Self::DrawnInVain { how, .. } => match how {
                Drawn::NumberOnly => "numbers drawn for nothing".to_owned(),
                Drawn::EventRolledBack => "rolled-back events".to_owned(),
            },
            Self::FullDisk { .. } => "full disk".to_owned(),
            Self::StepLease { .. } => "clock step of a lease".to_owned(),
            Self::Redeliver { .. } => "redelivery from kafka".to_owned(),
            Self::RemakeTopic { .. } => "topic deleted and made anew".to_owned(),
            Self::Rebuild { .. } => "rebuild of a read model".to_owned(),
            Self::PauseProjection { .. } => "pause of a projection".to_owned(),
        }
    }
}
