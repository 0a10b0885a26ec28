//! Checks that no event lacks the record of its command.

use chrono::{DateTime, Utc};

use super::finding::Findings;
use super::{Audit, PAGE};
use crate::error::StoreError;

const DOING: &str = "looking for records of commands";

/// Compares the events of the log with the records of commands, from the first record on. Compares events.
///
/// # Errors
/// When Postgres fails.
pub async fn unrecorded(audit: &Audit<'_>) -> Result<Findings, StoreError> {
    let mut findings = Findings::default();
    let since: Option<DateTime<Utc>> =
        sqlx::query_scalar("select min(recorded_at) from es.commands where outcome = 'ACCEPTED'")
            .fetch_one(audit.pool)
            .await
            .map_err(StoreError::unavailable(DOING))?;
    let Some(since) = since else {
        return Ok(findings);
    };
    let last = audit.bounds.last.0;
    let mut after = 0;
    while after < last {
        let up_to = (after + PAGE).min(last);
        let query = sqlx::query(include_str!("commands.sql"))
            .bind(after)
            .bind(up_to)
            .bind(since);
        audit.compare_page(&mut findings, DOING, query).await?;
        after = up_to;
    }
    Ok(findings)
}
