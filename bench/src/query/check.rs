//! The check of answers: a fast wrong answer is a failure.

use std::ops::RangeInclusive;
use std::str;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::data::Listed;
use super::documents::{LISTED, NESTED};
use super::settings::Work;
use super::side::bare;
use crate::http::Answer;

/// The check of a work's answers.
#[derive(Clone, Copy)]
pub(super) struct Check<'data> {
    pub(super) work: Work,
    pub(super) listed: &'data Listed,
}

impl Check<'_> {
    /// Checks the little that is cheap to check.
    ///
    /// # Errors
    /// When the answer is not one of this size without errors.
    pub(super) fn quick(
        self,
        answer: &Answer<'_>,
        sizes: &RangeInclusive<usize>,
    ) -> anyhow::Result<()> {
        let body = str::from_utf8(answer.body)?;
        ensure!(
            answer.status == 200 && !body.contains("\"errors\"") && sizes.contains(&body.len()),
            "a wrong answer, status {}, {} bytes: {body}",
            answer.status,
            body.len()
        );
        Ok(())
    }

    /// Checks every id, and that other fields are there.
    ///
    /// # Errors
    /// When the answer holds other objects than those that the argument asks for.
    pub(super) fn full(self, choice: usize, body: &[u8]) -> anyhow::Result<()> {
        let answer: Value = serde_json::from_slice(body)?;
        self.read(choice, &answer)
            .with_context(|| format!("a wrong answer to {}: {answer}", self.work.name()))
    }

    fn read(self, choice: usize, answer: &Value) -> anyhow::Result<()> {
        let data = &answer["data"];
        if self.work == Work::ById {
            return droplet(&data["droplet"], &self.listed.ids[choice]);
        }
        let list = &data["droplets"];
        let nodes = list["nodes"].as_array().context("there is no list")?;
        let expected = &self.listed.ids[choice + 1..][..LISTED];
        ensure!(nodes.len() == LISTED, "the list has another length");
        for (node, id) in nodes.iter().zip(expected) {
            droplet(node, id)?;
            if self.work == Work::ListJobs {
                let jobs = node["jobs"]["nodes"].as_array();
                let jobs = jobs.context("a droplet has no list of jobs")?;
                // Every droplet has a job: see `data.sql`.
                ensure!(
                    (1..=NESTED).contains(&jobs.len())
                        && jobs.iter().all(|job| job["kind"].is_string()),
                    "a droplet has other jobs"
                );
            }
        }
        let page = &list["pageInfo"];
        ensure!(
            page["hasNextPage"].is_boolean() && page["endCursor"].is_string(),
            "the page says nothing about itself"
        );
        ensure!(
            self.work != Work::ListTotal || list["totalCount"] == self.listed.ids.len(),
            "the total is wrong"
        );
        Ok(())
    }
}

fn droplet(node: &Value, id: &str) -> anyhow::Result<()> {
    ensure!(
        node["id"].as_str().map(bare) == Some(id),
        "it is another droplet than {id}"
    );
    for field in ["name", "status", "size", "region", "image", "createdAt"] {
        ensure!(node[field].is_string(), "a droplet has no {field}");
    }
    Ok(())
}

/// The part of an answer that every server must give in the same form: without cursors, times and costs, and with
/// bare ids.
pub(super) fn comparable(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !matches!(
                    name.as_str(),
                    "createdAt" | "updatedAt" | "endCursor" | "extensions"
                )
            });
            if let Some(Value::String(id)) = fields.get_mut("id") {
                *id = bare(id).to_owned();
            }
            fields.values_mut().for_each(comparable);
        }
        Value::Array(items) => items.iter_mut().for_each(comparable),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_droplet_is_a_wrong_answer() {
        let listed = Listed {
            ids: vec!["a".to_owned(), "b".to_owned()],
        };
        let check = Check {
            work: Work::ById,
            listed: &listed,
        };
        let answer = json!({ "data": { "droplet": {
            "id": "Droplet:a", "name": "n", "status": "s", "size": "s", "region": "r", "image": "i",
            "createdAt": "2026-01-01T00:00:00Z",
        } } });
        let body = answer.to_string();
        check.full(0, body.as_bytes()).unwrap();
        assert!(check.full(1, body.as_bytes()).is_err());
    }

    #[test]
    fn errors_and_other_sizes_are_noticed() {
        let listed = Listed { ids: Vec::new() };
        let check = Check {
            work: Work::List,
            listed: &listed,
        };
        let answer = |status, body| Answer { status, body };
        assert!(
            check
                .quick(&answer(200, b"{\"data\":{}}"), &(5..=20))
                .is_ok()
        );
        assert!(
            check
                .quick(&answer(200, b"{\"errors\":[]}"), &(5..=20))
                .is_err()
        );
        assert!(check.quick(&answer(200, b"{}"), &(5..=20)).is_err());
        assert!(
            check
                .quick(&answer(500, b"{\"data\":{}}"), &(5..=20))
                .is_err()
        );
    }

    #[test]
    fn answers_are_compared_without_what_differs_by_design() {
        let mut ours = json!({ "id": "Droplet:1", "createdAt": 1, "jobs": [{ "id": "Job:2" }] });
        comparable(&mut ours);
        assert_eq!(ours, json!({ "id": "1", "jobs": [{ "id": "2" }] }));
    }
}
