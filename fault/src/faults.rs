//! The faults of a run, as contained in the plan.

use serde::{Deserialize, Serialize};

/// A kind of process of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Api,
    Relay,
    Project,
    Work,
    /// All roles in one process.
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

/// A process of the platform: the first, second, ... of its role.
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

/// A fault. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "fault")]
pub(crate) enum Fault {
    /// `kill -9` of a process, and a new start after a while.
    Kill { target: Target, down: u64 },
    /// An orderly stop and a new start: consumer groups rebalance, leases are released.
    Restart { target: Target, down: u64 },
    /// SIGSTOP, and SIGCONT after a while.
    Pause { target: Target, lasts: u64 },
    /// An immediate shutdown of Postgres, or `kill -9` of its first process, and a new start.
    CrashPostgres { how: Crash, down: u64 },
    /// SIGSTOP of all processes of Postgres.
    PausePostgres { lasts: u64 },
    /// SIGSTOP of a Postgres backend in the middle of a command's statement: its numbers are drawn, and its
    /// events become visible late.
    PauseBackend { lasts: u64 },
    /// `kill -9` of the broker, and a new start.
    KillKafka { down: u64 },
    /// SIGSTOP of the broker.
    PauseKafka { lasts: u64 },
    /// A foreign transaction that has written, stays open, and then ends.
    IdleTransaction { lasts: u64, end: End },
    /// Drawing of sequence numbers as in the append, without a committed event.
    DrawnInVain { how: Drawn, numbers: u64 },
    /// A full disk of Postgres's data.
    FullDisk { lasts: u64 },
    /// A jump of the expiry of a lease, as if the database's clock had stepped.
    StepLease { lease: Lease, seconds: i64 },
    /// A step back of the consumers by a number of messages of every partition, while a process is killed and
    /// started again. Applied messages are delivered again.
    Redeliver { messages: i64, target: Target },
    /// The deletion of a topic, which the relay creates again.
    RemakeTopic { stream_type: String },
    /// A rebuild of a read model: no fault, but work that faults must not disturb.
    Rebuild { projection: String },
    /// A pause of a projection by an operator, and its resumption.
    PauseProjection { projection: String, lasts: u64 },
}

/// The kind of a crash of Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Crash {
    Immediate,
    Kill,
}

/// The end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum End {
    Commit,
    RollBack,
}

/// The way in which numbers are drawn without a committed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Drawn {
    /// Numbers of the sequence alone.
    NumberOnly,
    /// Numbers of events that are inserted and rolled back.
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
            Self::RemakeTopic { .. } => "topic deleted".to_owned(),
            Self::Rebuild { .. } => "rebuild of a read model".to_owned(),
            Self::PauseProjection { .. } => "pause of a projection".to_owned(),
        }
    }
}
