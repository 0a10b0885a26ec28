//! The mutations that play a trace, and the documents that contain them.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::rows::Row;

/// The region of all droplets of a trace.
const REGION: &str = "nyc3";
/// The image of all droplets of a trace.
const IMAGE: &str = "ubuntu-24-04-x64";
/// The job kind of a task.
const KIND: &str = "batch";
/// The reason of a failed job, because the trace contains no reason.
const FAILED: &str = "the task failed";

/// A mutation for one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    ProvisionDroplet,
    SubmitJob,
    ReportDropletActive,
    StartJob,
    SucceedJob,
    FailJob,
    /// A cancellation, with its reason.
    CancelJob(&'static str),
    /// A failure, with its reason.
    ReportDropletFailed(&'static str),
    DeleteDroplet,
    ReportDropletDeleted,
}

/// The platform's ids of a row's droplet and job, once the platform has answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    pub(super) droplet: Option<String>,
    pub(super) job: Option<String>,
}

/// The data that a step needs for its input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'row> {
    pub(super) row: &'row Row,
    /// The slug of the size that was chosen for the row.
    pub(super) size: &'row str,
    pub(super) ids: &'row Ids,
    pub(super) at: DateTime<Utc>,
}

impl Step {
    /// The mutation's field, which names the step in idempotency keys too.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::ProvisionDroplet => "provisionDroplet",
            Self::SubmitJob => "submitJob",
            Self::ReportDropletActive => "reportDropletActive",
            Self::StartJob => "startJob",
            Self::SucceedJob => "succeedJob",
            Self::FailJob => "failJob",
            Self::CancelJob(_) => "cancelJob",
            Self::ReportDropletFailed(_) => "reportDropletFailed",
            Self::DeleteDroplet => "deleteDroplet",
            Self::ReportDropletDeleted => "reportDropletDeleted",
        }
    }

    /// The mutation's input; `None` if it needs an id that the row never received.
    pub(super) fn input(self, sent: Sent<'_>) -> Option<Value> {
        let Sent { row, size, ids, at } = sent;
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (droplet, job) = (ids.droplet.as_deref(), ids.job.as_deref());
        Some(match self {
            Self::ProvisionDroplet => json!({
                "name": row.name.as_str(),
                "size": size,
                "region": REGION,
                "image": IMAGE,
                "tags": [row.qos.as_str()],
                "provisioner": "AGENT",
                "occurredAt": at,
            }),
            Self::SubmitJob => {
                json!({
                    "kind": KIND, "target": { "droplet": droplet? }, "runner": "AGENT", "occurredAt": at,
                })
            }
            Self::StartJob => {
                json!({ "id": job?, "worker": row.name.as_str(), "occurredAt": at })
            }
            Self::FailJob => json!({ "id": job?, "reason": FAILED, "occurredAt": at }),
            Self::CancelJob(reason) => json!({ "id": job?, "reason": reason, "occurredAt": at }),
            Self::SucceedJob => json!({ "id": job?, "occurredAt": at }),
            Self::ReportDropletFailed(reason) => {
                json!({ "id": droplet?, "reason": reason, "occurredAt": at })
            }
            Self::ReportDropletActive | Self::DeleteDroplet | Self::ReportDropletDeleted => {
                json!({ "id": droplet?, "occurredAt": at })
            }
        })
    }

    /// The selection of the node's fields in the answer.
    fn selection(self) -> &'static str {
        match self {
            Self::ProvisionDroplet => "droplet { id } ",
            Self::SubmitJob => "job { id } ",
            _ => "",
        }
    }
}

/// The document that contains these steps in one request. The document depends only on the steps, so that the
/// platform parses each of the few documents once. Step `i` has the alias `s<i>` and takes the variables
/// `input<i>` and `key<i>`.
pub(super) fn document(steps: &[Step]) -> String {
    let mut variables = Vec::new();
    let mut fields = String::new();
    for (index, step) in steps.iter().enumerate() {
        let field = step.field();
        let input_type = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
        variables.push(format!(
            "$input{index}: {input_type}!, $key{index}: String!"
        ));
        writeln!(
            fields,
            "  s{index}: {field}(input: $input{index}) @idempotent(key: $key{index}) \
             {{ {}consistencyToken userErrors {{ field message code }} }}",
            step.selection()
        )
        .expect("writing to a string cannot fail");
    }
    format!(
        "mutation TraceLoad({}) {{\n{fields}}}",
        variables.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::rows;
    use super::*;

    #[test]
    fn a_document_has_a_field_and_variables_for_each_step() {
        assert_eq!(
            document(&[Step::ProvisionDroplet]),
            "mutation TraceLoad($input0: ProvisionDropletInput!, $key0: String!) {\n  \
             s0: provisionDroplet(input: $input0) @idempotent(key: $key0) \
             { droplet { id } consistencyToken userErrors { field message code } }\n}"
        );
        let two = document(&[Step::CancelJob("x"), Step::ReportDropletFailed("x")]);
        assert_eq!(
            two,
            document(&[Step::CancelJob("y"), Step::ReportDropletFailed("y")])
        );
        assert!(two.contains("s1: reportDropletFailed(input: $input1) @idempotent(key: $key1)"));
    }

    #[test]
    fn inputs_hold_what_the_row_says() {
        let rows = rows::read(
            b"name,cpu_milli,memory_mib,qos,pod_phase,creation_time,scheduled_time,deletion_time\n\
               task-1,1,1,BE,Pending,0,,5",
        )
        .unwrap();
        let ids = Ids {
            droplet: Some("Droplet:1".to_owned()),
            job: None,
        };
        let sent = Sent {
            row: &rows[0],
            size: "s-1",
            ids: &ids,
            at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(
            Step::ProvisionDroplet.input(sent).unwrap(),
            json!({
                "name": "task-1", "size": "s-1", "region": "nyc3", "image": "ubuntu-24-04-x64",
                "tags": ["qos:BE"], "provisioner": "AGENT", "occurredAt": "1970-01-01T00:00:00Z",
            })
        );
        assert_eq!(
            Step::SubmitJob.input(sent).unwrap()["target"]["droplet"],
            "Droplet:1"
        );
        assert_eq!(
            Step::ReportDropletFailed("unschedulable")
                .input(sent)
                .unwrap()["reason"],
            "unschedulable"
        );
        assert_eq!(Step::StartJob.input(sent), None, "the row has no job");
    }
}
