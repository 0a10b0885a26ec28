//! The recorded history, read from the tables, and the states that follow from it. The rules are implemented
//! again here, because the rig shares no code with the platform.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// A recorded event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// The position of the event in the log, if it has one.
    pub(crate) position: Option<i64>,
    pub(crate) stream: Uuid,
    /// `droplet`, `job` or `cluster`.
    pub(crate) stream_type: String,
    pub(crate) version: i64,
    /// The event type, such as `droplet_renamed`.
    pub(crate) kind: String,
    pub(crate) data: Value,
    /// The id of the command that recorded the event.
    pub(crate) command: String,
    /// The trace of the command's request.
    pub(crate) trace: Option<String>,
    /// True if the event belongs to a client's command, and false if it belongs to the platform.
    pub(crate) from_api: bool,
    /// The status of the droplet, job or cluster after the event.
    pub(crate) status: &'static str,
    /// The kind of the event's job.
    pub(crate) job_kind: Option<String>,
}

/// All recorded events, in the order of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) events: Vec<Event>,
}

impl History {
    /// Reads the history.
    ///
    /// # Errors
    /// When Postgres fails, or an event is malformed.
    pub(crate) async fn read(connection: &mut PgConnection) -> anyhow::Result<Self> {
        let rows = sqlx::query(
            "select l.position, e.stream_id, s.stream_type, e.version, e.event_type, \
                 e.data::text as data, e.metadata::text as metadata \
             from es.events e join es.streams s using (stream_id) left join es.log l using (seq) \
             order by l.position, e.seq",
        )
        .fetch_all(connection)
        .await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let metadata: Value = serde_json::from_str(row.try_get("metadata")?)?;
            let trace = metadata["traceparent"].as_str();
            events.push(Event {
                position: row.try_get("position")?,
                stream: row.try_get("stream_id")?,
                stream_type: row.try_get("stream_type")?,
                version: row.try_get("version")?,
                kind: row.try_get("event_type")?,
                data: serde_json::from_str(row.try_get("data")?)?,
                command: metadata["command_id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                trace: trace
                    .and_then(|trace| trace.split('-').nth(1))
                    .map(str::to_owned),
                from_api: metadata["source"] == "api",
                status: "",
                job_kind: None,
            });
        }
        Ok(Self::folded(events))
    }

    /// Creates a history from events in the order of the log, and adds the state of the stream to each event.
    pub(crate) fn folded(mut events: Vec<Event>) -> Self {
        let mut order: Vec<usize> = (0..events.len()).collect();
        order.sort_by_key(|&place| (events[place].stream, events[place].version));
        let mut last: HashMap<Uuid, (&'static str, Option<String>)> = HashMap::new();
        for place in order {
            let event = &mut events[place];
            let (status, job_kind) = last.entry(event.stream).or_insert(("", None));
            if let Some(new) = status_after(&event.kind) {
                *status = new;
            }
            if event.kind == "job_submitted" {
                *job_kind = event.data["kind"].as_str().map(str::to_owned);
            }
            event.status = status;
            event.job_kind.clone_from(job_kind);
        }
        Self { events }
    }

    /// The last event of every stream.
    pub(crate) fn last_of_streams(&self) -> HashMap<Uuid, &Event> {
        let mut last: HashMap<Uuid, &Event> = HashMap::new();
        for event in &self.events {
            let known = last.entry(event.stream).or_insert(event);
            if known.version < event.version {
                *known = event;
            }
        }
        last
    }

    /// The position of an event.
    pub(crate) fn position_of(&self, stream: Uuid, version: i64) -> Option<i64> {
        let is_it = |event: &&Event| event.stream == stream && event.version == version;
        self.events.iter().find(is_it)?.position
    }
}

fn status_after(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "droplet_requested" => "REQUESTED",
        "droplet_activated" => "ACTIVE",
        "droplet_provisioning_failed" | "job_failed" => "FAILED",
        "droplet_deletion_requested" => "DELETING",
        "droplet_deleted" => "DELETED",
        "cluster_created" | "cluster_maintenance_ended" => "ACTIVE",
        "cluster_maintenance_started" => "MAINTENANCE",
        "cluster_deleted" => "DELETED",
        "job_submitted" => "SUBMITTED",
        "job_started" => "RUNNING",
        "job_succeeded" => "SUCCEEDED",
        "job_cancelled" => "CANCELLED",
        _ => return None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An event of the stream with this number.
    pub(crate) fn event(position: i64, stream: u128, version: i64, kind: &str) -> Event {
        let stream_type = kind.split('_').next().unwrap_or_default();
        Event {
            position: Some(position),
            stream: Uuid::from_u128(stream),
            stream_type: stream_type.to_owned(),
            version,
            kind: kind.to_owned(),
            data: serde_json::json!({ "kind": "batch" }),
            command: format!("command-{position}"),
            trace: Some(format!("trace-{position}")),
            from_api: true,
            status: "",
            job_kind: None,
        }
    }

    #[test]
    fn statuses_follow_from_events() {
        let history = History::folded(vec![
            event(1, 1, 1, "droplet_requested"),
            event(2, 2, 1, "job_submitted"),
            event(3, 1, 2, "droplet_tagged"),
            event(4, 1, 3, "droplet_activated"),
        ]);
        let statuses: Vec<_> = history.events.iter().map(|event| event.status).collect();
        assert_eq!(statuses, ["REQUESTED", "SUBMITTED", "REQUESTED", "ACTIVE"]);
        assert_eq!(history.events[1].job_kind.as_deref(), Some("batch"));
    }
}
