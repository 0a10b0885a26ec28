//! What `es.unpublished` says of events, against what Kafka has.

use std::collections::HashSet;

use anyhow::Context;
use event_store::audit::finding::{Difference, Findings};
use event_store::envelope::Position;
use event_store::log;
use sqlx::PgPool;
use uuid::Uuid;

use super::seen::Seen;
use crate::held::Released;

/// The positions up to one that are not in Kafka and need not be.
pub(super) async fn up_to(pool: &PgPool, last: Position) -> anyhow::Result<HashSet<i64>> {
    let positions: Vec<i64> =
        sqlx::query_scalar("select position from es.unpublished where position <= $1")
            .bind(last.0)
            .fetch_all(pool)
            .await
            .context("the events that are not published cannot be read")?;
    Ok(positions.into_iter().collect())
}

/// Looks for events that are in Kafka and have a row all the same. To be called after the publisher's
/// record was read that says what it released last, and that after the messages.
pub(super) async fn find_published(
    pool: &PgPool,
    seen: &Seen,
    released: &[Released],
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let rows: Vec<(i64, Uuid, bool)> = sqlx::query_as(
        "select position, stream_id, skipped_at is not null from es.unpublished order by position",
    )
    .fetch_all(pool)
    .await
    .context("the events that are not published cannot be read")?;
    for (position, stream, is_skipped) in rows {
        let position = Position(position);
        let is_released = released
            .iter()
            .any(|last| last.stream == stream && position <= last.up_to);
        if !seen.contains(position) || (is_released && !is_skipped) {
            continue;
        }
        let event = log::read_chained(pool, &[position]).await?.pop();
        let difference = Difference {
            position: Some(position),
            stream: Some(stream),
            version: event.map(|(event, _)| event.event.version),
            expected: if is_skipped {
                "no message, because the event was skipped".to_owned()
            } else {
                "no message, because the event is held back and will be published yet".to_owned()
            },
            found: "a message".to_owned(),
            place: None,
        };
        findings.differ(1, difference);
    }
    Ok(())
}
