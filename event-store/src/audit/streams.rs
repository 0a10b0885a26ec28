//! Checks that streams have no holes, end where `es.streams` says, and belong to one organization and one
//! type. Their events must be in the log in the order of their versions.

use domain::stream_type::StreamType;
use uuid::Uuid;

use super::finding::Findings;
use super::{Audit, PAGE};
use crate::envelope::Shard;
use crate::error::StoreError;

const DOING: &str = "checking streams";

/// Checks `es.streams` against `es.events` and `es.log`, stream by stream. Compares events.
///
/// One statement covers streams as a whole: about 10,000 events, and the rest of the last stream.
///
/// # Errors
/// When Postgres fails.
pub async fn check(audit: &Audit<'_>) -> Result<Findings, StoreError> {
    let names: Vec<String> = StreamType::known()
        .iter()
        .map(ToString::to_string)
        .collect();
    let codes: Vec<i16> = StreamType::known().iter().map(|of| of.code()).collect();
    let end = audit.bounds.last_stream;
    let mut findings = Findings::default();
    audit.progress.begin(audit.bounds.head.0.unsigned_abs());
    let mut from = Uuid::nil();
    loop {
        let page = end_of_page(audit, from).await?;
        let up_to = page.unwrap_or(end);
        let query = sqlx::query(include_str!("streams.sql"))
            .bind(from)
            .bind(up_to)
            .bind(&names)
            .bind(&codes)
            .bind(Shard::PARTITIONS);
        audit.compare_page(&mut findings, DOING, query).await?;
        if up_to >= end {
            return Ok(findings);
        }
        from = Uuid::from_u128(up_to.as_u128() + 1);
    }
}

/// Returns the stream in which a full page ends that begins with a stream; `None` if fewer events are left.
async fn end_of_page(audit: &Audit<'_>, from: Uuid) -> Result<Option<Uuid>, StoreError> {
    sqlx::query_scalar(
        "select stream_id from es.events where stream_id >= $1 and stream_id <= $2 \
         order by stream_id offset $3 limit 1",
    )
    .bind(from)
    .bind(audit.bounds.last_stream)
    .bind(PAGE - 1)
    .fetch_optional(audit.pool)
    .await
    .map_err(StoreError::unavailable(DOING))
}
