//! Checks that every event in the log can be read: it decodes, also through upcasters, and fits its place.
//! Events of stream types that only a newer program knows are checked as far as this program can, and
//! counted in a note.

use domain::ids::{EventId, OrgId};
use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Audit;
use super::finding::{Difference, Findings};
use crate::codec;
use crate::envelope::{Position, Shard, StoredEvent, Version};
use crate::error::{StoreError, chain};
use crate::log;
use crate::log::digest::RANGE;

/// Decodes every event up to the head. Compares events.
///
/// # Errors
/// When Postgres fails.
pub async fn check(audit: &Audit<'_>) -> Result<Findings, StoreError> {
    let unavailable = || StoreError::unavailable("reading events of the log");
    let end = audit.bounds.head.min(audit.bounds.last);
    let mut findings = Findings::default();
    audit.progress.begin(end.0.unsigned_abs());
    let mut unknown = 0_u64;
    let mut after = Position::START;
    while after < end {
        let up_to = Position(after.0 + RANGE).min(end);
        // Row by row, because a page of large events is large.
        let mut rows = sqlx::query(include_str!("events.sql"))
            .bind(after.0)
            .bind(up_to.0)
            .fetch(audit.pool);
        while let Some(row) = rows.try_next().await.map_err(unavailable())? {
            findings.compared += 1;
            let shard = Shard(row.try_get("shard").map_err(unavailable())?);
            unknown += u64::from(!is_known(shard));
            if let Some(difference) = look_at(&row, shard).map_err(unavailable())? {
                findings.differ(1, difference);
            }
        }
        audit.progress.reached(findings.compared);
        after = up_to;
    }
    if unknown > 0 {
        findings.note(format!(
            "{unknown} events are of stream types that only a newer program knows, and were not decoded: \
             run the verification of that program"
        ));
    }
    Ok(findings)
}

/// Returns true if this program knows the type of a shard's streams.
fn is_known(shard: Shard) -> bool {
    shard.stream_type().info().is_some()
}

/// Returns the difference of a row, if it has one.
fn look_at(row: &PgRow, shard: Shard) -> Result<Option<Difference>, sqlx::Error> {
    let unlike = match log::stored(row) {
        Ok(stored) => unlike_its_place(&stored, shard),
        Err(sqlx::Error::Decode(error)) => {
            Some(("a well-formed event".to_owned(), error.to_string()))
        }
        Err(error) => return Err(error),
    };
    let Some((expected, found)) = unlike else {
        return Ok(None);
    };
    Ok(Some(Difference {
        position: Some(Position(row.try_get("position")?)),
        stream: Some(row.try_get("stream_id")?),
        version: Some(Version(row.try_get("version")?)),
        expected,
        found,
        ..Difference::default()
    }))
}

/// Returns the property that an event must have by its place and has not: expected, found.
fn unlike_its_place(stored: &StoredEvent, shard: Shard) -> Option<(String, String)> {
    let StoredEvent {
        stream, version, ..
    } = stored;
    let id = EventId::derive(stream.uuid, version.0);
    if stored.event_id != id {
        return Some((
            format!("the id {id}, which follows from stream and version"),
            format!("the id {}", stored.event_id),
        ));
    }
    let belongs = stream.shard();
    if belongs != shard {
        return Some((
            format!("shard {}, which follows from the stream", belongs.0),
            format!("shard {}", shard.0),
        ));
    }
    if !is_known(shard) {
        return None;
    }
    if let Err(invalid) = OrgId::parse(stored.org.as_str()) {
        return Some((
            "an organization by this program's rule".to_owned(),
            invalid.to_string(),
        ));
    }
    let recorded = match codec::decode(stored) {
        Ok(recorded) => recorded,
        Err(error) => {
            let (name, shape) = (&stored.event_type, stored.schema_version);
            return Some((
                format!("an event that decodes as {name} of schema version {shape}"),
                chain(&error),
            ));
        }
    };
    let of = recorded.event.stream_type();
    (of != stream.stream_type).then(|| {
        (
            format!("an event of a {}, as its shard says", stream.stream_type),
            format!("{}, an event of a {of}", stored.event_type),
        )
    })
}
