//! The row of `status.sql`, and the status that follows from it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use super::{Building, ConsumerStatus, Failed, Stage, State};
use crate::consume::consumer::Consumer;
use crate::envelope::Position;

/// A row of `status.sql`.
#[derive(FromRow)]
pub(super) struct Row {
    generation: i32,
    /// The version; `None` for a consumer that never ran.
    version: Option<i32>,
    position: i64,
    lag_events: i64,
    lag_seconds: f64,
    parked_streams: i64,
    skipped_streams: i64,
    paused_by: Option<String>,
    paused_because: Option<String>,
    paused_at: Option<DateTime<Utc>>,
    building: Option<i32>,
    building_version: Option<i32>,
    building_share: Option<f64>,
    building_by: Option<String>,
    building_because: Option<String>,
    building_since: Option<DateTime<Utc>>,
    building_is_filled: bool,
    building_is_compared: bool,
    building_seconds: Option<f64>,
    failed: Option<i32>,
    failed_version: Option<i32>,
    failed_at: Option<DateTime<Utc>>,
    failed_by: Option<String>,
    failed_because: Option<String>,
    failed_report: Option<Value>,
}

impl Row {
    /// Returns the status of a consumer of this program.
    pub(super) fn status(mut self, consumer: &dyn Consumer) -> ConsumerStatus {
        ConsumerStatus {
            name: consumer.name(),
            generation: self.generation,
            version: self.version.unwrap_or(consumer.version()),
            state: self.state(consumer.version()),
            position: Position(self.position),
            lag_events: self.lag_events,
            lag: seconds(self.lag_seconds),
            parked_streams: self.parked_streams,
            skipped_streams: self.skipped_streams,
            building: self.building(),
            failed: self.failed(),
        }
    }

    fn state(&mut self, wanted: i32) -> State {
        let paused = self.paused_by.take().zip(self.paused_because.take());
        match paused.zip(self.paused_at) {
            Some(((by, reason), since)) => State::Paused { by, reason, since },
            None if self.version.is_some_and(|version| version != wanted) => {
                State::OtherVersion { wanted }
            }
            None => State::Following,
        }
    }

    fn building(&mut self) -> Option<Building> {
        let share = self.building_share?;
        let stage = match (self.building_is_filled, self.building_is_compared) {
            (false, _) => Stage::Filling,
            (true, false) => Stage::Comparing,
            (true, true) => Stage::Switching,
        };
        let rest = (stage == Stage::Filling && share > 0.0)
            .then_some(self.building_seconds)
            .flatten()
            .map(|so_far| seconds(so_far * (1.0 - share) / share));
        Some(Building {
            generation: self.building?,
            version: self.building_version?,
            stage,
            share,
            rest,
            requested_by: self.building_by.take()?,
            reason: self.building_because.take()?,
            since: self.building_since?,
        })
    }

    fn failed(&mut self) -> Option<Failed> {
        let report = self.failed_report.take().unwrap_or_default();
        Some(Failed {
            generation: self.failed?,
            version: self.failed_version?,
            requested_by: self.failed_by.take()?,
            reason: self.failed_because.take()?,
            at: self.failed_at?,
            differences: report["comparison"]["differences"]
                .as_u64()
                .unwrap_or_default(),
            report,
        })
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
