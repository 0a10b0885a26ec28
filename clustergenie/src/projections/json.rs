//! Results as JSON, for programs. Names of fields are part of the interface.

use event_store::consume::parked::ParkedStream;
use projections::status::{Building, ConsumerStatus, Failed, State};
use serde_json::{Value, json};

use super::text::stream_id;

pub(super) fn status(status: &ConsumerStatus) -> Value {
    let paused = match &status.state {
        State::Paused { by, reason, since } => {
            json!({ "by": by, "reason": reason, "since": since })
        }
        State::Following | State::OtherVersion { .. } => Value::Null,
    };
    json!({
        "name": status.name,
        "generation": status.generation,
        "version": status.version,
        "state": status.state.as_str(),
        "paused": paused,
        "position": status.position.0,
        "lagEvents": status.lag_events,
        "lagSeconds": status.lag.as_secs_f64(),
        "parkedStreams": status.parked_streams,
        "skippedStreams": status.skipped_streams,
        "building": status.building.as_ref().map(building),
        "failed": status.failed.as_ref().map(failed),
    })
}

fn building(building: &Building) -> Value {
    json!({
        "generation": building.generation,
        "version": building.version,
        "stage": building.stage.as_str(),
        "share": building.share,
        "remainingSeconds": building.rest.map(|rest| rest.as_secs_f64()),
        "requestedBy": building.requested_by,
        "reason": building.reason,
        "since": building.since,
    })
}

fn failed(failed: &Failed) -> Value {
    json!({
        "generation": failed.generation,
        "version": failed.version,
        "requestedBy": failed.requested_by,
        "reason": failed.reason,
        "at": failed.at,
        "report": failed.report,
    })
}

pub(super) fn parked(projection: &str, parked: &ParkedStream) -> Value {
    let skipped = parked.skipped_by.as_ref().map(
        |by| json!({ "by": by, "reason": parked.skipped_because, "since": parked.skipped_at }),
    );
    json!({
        "projection": projection,
        "stream": stream_id(parked),
        "organization": parked.org_id,
        "eventType": parked.event_type,
        "version": parked.version,
        "position": parked.position,
        "reason": parked.error,
        "attempts": parked.attempts,
        "firstAt": parked.first_at,
        "lastAt": parked.last_at,
        "waiting": parked.waiting,
        "skipped": skipped,
    })
}
