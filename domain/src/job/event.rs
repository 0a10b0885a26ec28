//! The events of a job.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::state::{JobSubject, Runner};
use crate::event::event_enum;
use crate::ids::DropletId;
use crate::name::{JobKind, WorkerName};

event_enum! {
    /// An event of a job's stream.
    pub enum JobEvent {
        Submitted(JobSubmitted) = "job_submitted", version 1, sample sample_of_submitted();
        Started(JobStarted) = "job_started", version 1,
            sample JobStarted {
                worker: WorkerName::parse("worker-7").expect("the sample is a worker's name"),
            };
        Progressed(JobProgressed) = "job_progressed", version 1,
            sample JobProgressed { percent: 30, message: Some("copying the image".to_owned()) };
        Succeeded(JobSucceeded) = "job_succeeded", version 1,
            sample JobSucceeded { result: Some(json!({ "rows": 42 })) };
        Failed(JobFailed) = "job_failed", version 1,
            sample JobFailed { error: "out of memory".to_owned() };
        Cancelled(JobCancelled) = "job_cancelled", version 1,
            sample JobCancelled { reason: "evicted".to_owned() };
    }
}

/// A user submitted a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSubmitted {
    /// The kind of the work.
    pub kind: JobKind,
    /// The droplet or cluster that the job concerns.
    pub subject: JobSubject,
    /// The further input of the runner.
    pub parameters: Map<String, Value>,
    /// The runner, which is to do the work.
    pub runner: Runner,
    /// The number of allowed attempts.
    pub attempts: u8,
}

/// The runner began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStarted {
    /// The name of the worker that runs the job.
    pub worker: WorkerName,
}

/// The runner made progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgressed {
    /// The progress in percent, from 0 to 100; never less than before.
    pub percent: u8,
    /// The current step of the work, for people.
    pub message: Option<String>,
}

/// The runner did the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSucceeded {
    /// The result of the job.
    pub result: Option<Value>,
}

/// The runner could not do the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailed {
    /// The reason, for people.
    pub error: String,
}

/// The job was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCancelled {
    /// The reason, for people.
    pub reason: String,
}

// Samples change together with a schema version only: golden files hold them. Maps in them have
// their keys in alphabetical order, because that is one order whatever features serde_json has.

fn sample_of_submitted() -> JobSubmitted {
    JobSubmitted {
        kind: JobKind::parse("batch").expect("the sample is a kind"),
        subject: JobSubject::Droplet(DropletId::new(Uuid::from_u128(
            0x0192_3f4a_8c00_7000_8000_0000_0000_0001,
        ))),
        parameters: Map::from_iter([
            ("gpus".to_owned(), json!(2)),
            ("model".to_owned(), json!("V100")),
        ]),
        runner: Runner::Agent,
        attempts: 3,
    }
}
