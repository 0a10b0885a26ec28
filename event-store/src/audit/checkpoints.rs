//! Checks that no consumer claims to have applied what is not in the log, and reports parked streams.

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use super::Audit;
use super::finding::Findings;
use crate::error::StoreError;

const DOING: &str = "checking checkpoints";

/// The most streams that are named in a note each.
const NAMED: i64 = 10;

/// Checks `es.checkpoints` against the head of the log, and notes the parked streams of generations that
/// serve or are being built. Compares checkpoints.
///
/// # Errors
/// When Postgres fails.
pub async fn check(audit: &Audit<'_>) -> Result<Findings, StoreError> {
    let mut findings = Findings::default();
    audit.progress.begin(0);
    // Of one snapshot: a checkpoint moves after the head.
    let query = sqlx::query(include_str!("checkpoints.sql"));
    audit.compare_page(&mut findings, DOING, query).await?;
    note_parked(audit, &mut findings).await?;
    Ok(findings)
}

async fn note_parked(audit: &Audit<'_>, findings: &mut Findings) -> Result<(), StoreError> {
    let parked: Vec<Parked> = sqlx::query_as(
        "select p.consumer, p.generation, p.stream_id, min(position) as position, count(*) as events, \
             min(first_at) as since, \
             (array_agg(error order by position) filter (where error is not null))[1] as error, \
             exists (select from es.skipped s where s.consumer = p.consumer \
                 and s.generation = p.generation and s.stream_id = p.stream_id) as is_skipped, \
             count(*) over () as streams \
         from es.parked p join es.generations g using (consumer, generation) \
         where g.state in ('SERVING', 'BUILDING') \
         group by p.consumer, p.generation, p.stream_id \
         order by min(position), p.consumer, p.generation limit $1",
    )
    .bind(NAMED)
    .fetch_all(audit.pool)
    .await
    .map_err(StoreError::unavailable(DOING))?;
    for stream in &parked {
        findings.note(stream.to_string());
    }
    let streams = parked.first().map_or(0, |stream| stream.streams);
    if streams > NAMED {
        findings.note(format!("{} more streams are parked", streams - NAMED));
    }
    Ok(())
}

/// A stream that a consumer has parked.
#[derive(sqlx::FromRow)]
struct Parked {
    consumer: String,
    generation: i32,
    stream_id: Uuid,
    position: i64,
    events: i64,
    since: DateTime<Utc>,
    error: Option<String>,
    /// True if an operator skipped the stream.
    is_skipped: bool,
    streams: i64,
}

impl std::fmt::Display for Parked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} (generation {}) has {} the stream {} from position {} on, {} events since {}: {}",
            self.consumer,
            self.generation,
            if self.is_skipped {
                "parked and skipped"
            } else {
                "parked"
            },
            self.stream_id,
            self.position,
            self.events,
            self.since.to_rfc3339_opts(SecondsFormat::Secs, true),
            self.error.as_deref().unwrap_or("no reason is stored")
        )
    }
}
