//! Checks that events are what they were when the digest of their range was made.

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::Audit;
use super::finding::{Difference, Findings};
use crate::envelope::{Position, Version};
use crate::error::StoreError;
use crate::log::digest::{RANGE, select_digest, select_lines};

const DOING: &str = "checking digests";
/// The number of ranges whose digests one statement computes.
const RANGES: i64 = 10;
/// The length of a digest in bytes.
const BYTES: usize = 32;

/// A row of `es.digests`, and the digest that was computed again.
struct Compared {
    first: i64,
    kept: Digest,
    now: Digest,
}

#[derive(PartialEq, Eq)]
struct Digest {
    last: i64,
    events: i32,
    digest: Option<Vec<u8>>,
    event_digests: Option<Vec<u8>>,
}

/// Computes every digest again and compares. Compares ranges; notes how many events have no digest yet.
///
/// # Errors
/// When Postgres fails.
pub async fn check(audit: &Audit<'_>) -> Result<Findings, StoreError> {
    let unavailable = || StoreError::unavailable(DOING);
    let head = audit.bounds.head.0;
    let mut findings = Findings::default();
    audit.progress.begin((head / RANGE).unsigned_abs());
    let mut expected = 1;
    loop {
        let rows = sqlx::query(COMPARE)
            .bind(expected)
            .bind(head)
            .bind(RANGES)
            .bind(RANGE)
            .fetch_all(audit.pool)
            .await
            .map_err(unavailable())?;
        for row in &rows {
            let range = compared(row).map_err(unavailable())?;
            findings.compared += 1;
            if range.first > expected {
                findings.differ(1, missing(expected, range.first));
            }
            expected = range.first + RANGE;
            if range.kept != range.now {
                findings.differ(1, name(audit, &range).await?);
            }
        }
        audit.progress.reached(findings.compared);
        if rows.is_empty() {
            break;
        }
    }
    let younger = head - (expected - 1);
    if younger > 0 {
        findings.note(format!(
            "{younger} events are younger than the last digest: a change of one of them is not found by \
             digests"
        ));
    }
    let complete = younger / RANGE;
    if complete > 0 {
        findings.note(format!(
            "{complete} complete ranges have no digest yet: the relay makes them within seconds"
        ));
    }
    Ok(findings)
}

/// Selects the next ranges from $1 on that end by $2, at most $3 of $4 positions each. Computes their
/// digests again.
const COMPARE: &str = concat!(
    "select kept.first_position, kept.last_position, kept.events, kept.digest, kept.event_digests, ",
    "kept.first_position + $4 - 1 as last_now, now.events as events_now, ",
    "now.digest as digest_now, now.event_digests as event_digests_now ",
    "from (select * from es.digests where first_position >= $1 and first_position <= $2 - $4 + 1 ",
    "order by first_position limit $3) kept cross join lateral (",
    select_digest!("kept.first_position", "kept.first_position + $4 - 1"),
    ") now order by kept.first_position"
);

fn compared(row: &PgRow) -> Result<Compared, sqlx::Error> {
    Ok(Compared {
        first: row.try_get("first_position")?,
        kept: Digest {
            last: row.try_get("last_position")?,
            events: row.try_get("events")?,
            digest: row.try_get("digest")?,
            event_digests: row.try_get("event_digests")?,
        },
        now: Digest {
            last: row.try_get("last_now")?,
            events: row.try_get("events_now")?,
            digest: row.try_get("digest_now")?,
            event_digests: row.try_get("event_digests_now")?,
        },
    })
}

/// Returns the difference for missing digests. Digests are made in order, so none may be missing before
/// another.
fn missing(first: i64, next: i64) -> Difference {
    Difference {
        position: Some(Position(first)),
        expected: format!("a digest of the positions from {first} to {}", next - 1),
        found: "none, although later positions have one".to_owned(),
        ..Difference::default()
    }
}

/// Returns the event that differs from its digest, or another difference of the range.
async fn name(audit: &Audit<'_>, range: &Compared) -> Result<Difference, StoreError> {
    let unavailable = || StoreError::unavailable(DOING);
    let rows = sqlx::query(concat!(
        "select position, stream_id, version, sha256(convert_to(line, 'UTF8')) as digest from (",
        select_lines!("$1", "$2"),
        ") lines order by position"
    ))
    .bind(range.first)
    .bind(range.first + RANGE - 1)
    .fetch_all(audit.pool)
    .await
    .map_err(unavailable())?;
    let kept: Vec<&[u8]> = range
        .kept
        .event_digests
        .as_deref()
        .unwrap_or_default()
        .chunks(BYTES)
        .collect();
    for (nth, position) in (range.first..range.first + RANGE).enumerate() {
        let here = || {
            Ok::<_, sqlx::Error>(match rows.get(nth) {
                Some(row) => Some((
                    row.try_get::<i64, _>("position")?,
                    row.try_get::<Uuid, _>("stream_id")?,
                    row.try_get::<i64, _>("version")?,
                    row.try_get::<Vec<u8>, _>("digest")?,
                )),
                None => None,
            })
        };
        let here = here().map_err(unavailable())?;
        let expected = kept.get(nth).copied().unwrap_or_default();
        let (stream, version, found) = match here {
            Some((at, stream, version, digest)) if at == position => {
                if digest == expected {
                    continue;
                }
                (
                    Some(stream),
                    Some(Version(version)),
                    format!("an event with sha256 {}", hex(&digest)),
                )
            }
            _ => (None, None, "no event".to_owned()),
        };
        return Ok(Difference {
            position: Some(Position(position)),
            stream,
            version,
            expected: format!(
                "the event whose sha256 is {}, as when its digest was made",
                hex(expected)
            ),
            found,
            ..Difference::default()
        });
    }
    Ok(Difference {
        position: Some(Position(range.first)),
        expected: format!(
            "the digest {} of {} events up to position {}, which the events give",
            hex(range.now.digest.as_deref().unwrap_or_default()),
            range.now.events,
            range.now.last
        ),
        found: format!(
            "the digest {} of {} events up to position {}",
            hex(range.kept.digest.as_deref().unwrap_or_default()),
            range.kept.events,
            range.kept.last
        ),
        ..Difference::default()
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
