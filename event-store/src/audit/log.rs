//! Checks that every event is in the log, once. Every row of the log must have its event and agree with it.

use sqlx::Row;

use super::finding::Findings;
use super::{Audit, PAGE};
use crate::error::StoreError;

const DOING: &str = "checking the log against the events";

/// Checks `es.log` against `es.events`, by the numbers of events. Compares events that have positions.
///
/// # Errors
/// When Postgres fails.
pub async fn check(audit: &Audit<'_>) -> Result<Findings, StoreError> {
    let bounds = audit.bounds;
    let end = bounds.last_seq.max(bounds.low_mark);
    let mut findings = Findings::default();
    audit.progress.begin(bounds.head.0.unsigned_abs());
    let mut after = i64::MIN;
    let mut waiting = 0;
    loop {
        let page = end_of_page(audit, after, end).await?;
        let up_to = page.unwrap_or(end);
        let query = sqlx::query(include_str!("log.sql"))
            .bind(after)
            .bind(up_to)
            .bind(bounds.low_mark);
        let row = audit.compare_page(&mut findings, DOING, query).await?;
        waiting += row
            .try_get::<i64, _>("waiting")
            .map_err(StoreError::unavailable(DOING))?;
        after = up_to;
        if page.is_none() {
            break;
        }
    }
    waiting += newer(audit, end).await?;
    if waiting > 0 {
        let or_more = if waiting >= PAGE { " or more" } else { "" };
        findings.note(format!(
            "{waiting}{or_more} events had no position yet and were not compared"
        ));
    }
    Ok(findings)
}

/// Returns the number of the last event of a full page after a number; `None` if fewer are left.
async fn end_of_page(audit: &Audit<'_>, after: i64, end: i64) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar(
        "select seq from es.events where seq > $1 and seq < $2 order by seq offset $3 limit 1",
    )
    .bind(after)
    .bind(end)
    .bind(PAGE - 1)
    .fetch_optional(audit.pool)
    .await
    .map_err(StoreError::unavailable(DOING))
}

/// Returns the number of events beyond all that had a position when the audit began, at most a page.
async fn newer(audit: &Audit<'_>, end: i64) -> Result<i64, StoreError> {
    sqlx::query_scalar("select count(*) from (select from es.events where seq > $1 limit $2) newer")
        .bind(end)
        .bind(PAGE)
        .fetch_one(audit.pool)
        .await
        .map_err(StoreError::unavailable(DOING))
}
