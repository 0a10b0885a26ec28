//! Checks that positions are dense: 1, 2, 3, ... up to the head, each once.

use super::finding::{Difference, Findings};
use super::{Audit, PAGE};
use crate::envelope::Position;
use crate::error::StoreError;

const DOING: &str = "checking positions";

/// Checks `es.log` and `es.log_head`. Compares positions.
///
/// # Errors
/// When Postgres fails.
pub async fn check(audit: &Audit<'_>) -> Result<Findings, StoreError> {
    let bounds = audit.bounds;
    let mut findings = Findings::default();
    audit.progress.begin(bounds.last.0.unsigned_abs());
    if bounds.first < Position::START {
        findings.differ(
            1,
            Difference {
                position: Some(bounds.first),
                expected: "positions from 1 on".to_owned(),
                found: format!("position {}", bounds.first),
                ..Difference::default()
            },
        );
    }
    let mut after = Position::START.0;
    while let Some(up_to) = end_of_page(audit, after).await? {
        let query = sqlx::query(include_str!("positions.sql"))
            .bind(after)
            .bind(up_to);
        audit.compare_page(&mut findings, DOING, query).await?;
        after = up_to;
    }
    if bounds.head != bounds.last {
        findings.differ(
            1,
            Difference {
                position: Some(bounds.head.min(bounds.last)),
                expected: format!(
                    "the last position of es.log is {}, as es.log_head says",
                    bounds.head
                ),
                found: format!("the last position of es.log is {}", bounds.last),
                ..Difference::default()
            },
        );
    }
    Ok(findings)
}

/// Returns the last position of the page after a position; `None` if there is nothing more.
async fn end_of_page(audit: &Audit<'_>, after: i64) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar(
        "select max(position) from (select position from es.log \
             where position > $1 and position <= $2 order by position limit $3) page",
    )
    .bind(after)
    .bind(audit.bounds.last.0)
    .bind(PAGE)
    .fetch_one(audit.pool)
    .await
    .map_err(StoreError::unavailable(DOING))
}
