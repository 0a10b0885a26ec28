//! Digests of the log. The keeper of a copy elsewhere can prove, or disprove, that the events of the digest
//! are still what they were.
//!
//! Each complete range of [`RANGE`] positions has one row in `es.digests`. The digest is the sha256 of the
//! *lines* of the range's events in the order of their positions. The line of an event is a JSON array and
//! a line feed, in UTF-8:
//!
//! ```text
//! [position, "stream_id", version, shard, "event_id", "org_id", "event_type", schema_version, "recorded_at", "data", "metadata"]
//! ```
//!
//! There is one space after each comma and none elsewhere. Ids are lower case with hyphens. `recorded_at`
//! is UTC with six digits of the second (`2026-11-01T12:00:00.123456Z`). `data` and `metadata` are strings
//! that hold the exact bytes as they are stored. Within strings `"` and `\` are escaped by `\`, and the
//! control characters as `\b`, `\f`, `\n`, `\r`, `\t` or `\u00xx` with lower-case digits. Nothing else is
//! escaped. Postgres's `json_build_array` and Python's `json.dumps(…, ensure_ascii=False)` write exactly
//! that. So `psql` and `sha256sum` are enough to compute a digest again (docs/auditors.md shows how).
//! Nothing but this text goes into the digest: two histories that differ anywhere have two texts.
//!
//! Making a digest cannot race with anything: the positions of a range up to the head, and their events,
//! are final. Two processes that make the same digest make the same row, and one of them keeps it.

use sqlx::PgPool;

use crate::envelope::Position;
use crate::error::StoreError;
use crate::incarnation::IncarnationId;

/// The number of positions of one digest: 1 to 1000, 1001 to 2000, and so on.
pub const RANGE: i64 = 1_000;

/// Selects the digests of the events whose position is between two expressions: `events`, `digest`,
/// `event_digests`.
macro_rules! select_digest {
    ($first:literal, $last:literal) => {
        concat!(
            "select count(*)::integer as events, ",
            "sha256(convert_to(string_agg(line, '' order by position), 'UTF8')) as digest, ",
            "string_agg(sha256(convert_to(line, 'UTF8')), '' order by position) as event_digests ",
            "from (",
            crate::log::digest::select_lines!($first, $last),
            ") lines"
        )
    };
}

/// Selects `position` and `line` of the events whose position is between two expressions.
macro_rules! select_lines {
    ($first:literal, $last:literal) => {
        concat!(
            "select l.position, e.stream_id, e.version, json_build_array(",
            "l.position, e.stream_id, e.version, e.shard, e.event_id, e.org_id, e.event_type, ",
            "e.schema_version, ",
            "to_char(e.recorded_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), ",
            "e.data::text, e.metadata::text)::text || e'\\n' as line ",
            // `offset 0`: found one by one, because the planner would rather read all events of a log of
            // middling size.
            "from es.log l cross join lateral ( \
                 select * from es.events where seq = l.seq offset 0) e ",
            "where l.position between ",
            $first,
            " and ",
            $last
        )
    };
}

pub(crate) use {select_digest, select_lines};

/// Returns the sha256 of the line of the event at a position, in hexadecimal; `None` if the log has no such position.
/// With an incarnation, the log must be in it.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], and when Postgres fails.
pub async fn of_event(
    pool: &PgPool,
    incarnation: Option<IncarnationId>,
    position: Position,
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(concat!(
        "select encode(sha256(convert_to(line, 'UTF8')), 'hex') from (",
        select_lines!("$1", "$1"),
        ") lines where $2::uuid is null or es.demand_incarnation($2)"
    ))
    .bind(position.0)
    .bind(incarnation.map(|incarnation| incarnation.0))
    .fetch_optional(pool)
    .await
    .map_err(StoreError::asking("making the digest of an event"))
}

/// Makes the digests of the oldest complete ranges that come after the last digest, at most `ranges`.
/// Returns their number. Several processes may run this at once. A range that lacks an event gets no digest
/// and is not waited for: the hole stays for an audit to find.
///
/// # Errors
/// When Postgres fails; then none was made.
pub async fn make(pool: &PgPool, ranges: i64) -> Result<u64, StoreError> {
    let made = sqlx::query(concat!(
        "insert into es.digests (first_position, last_position, events, digest, event_digests) ",
        "select range.first, range.first + $1 - 1, made.events, made.digest, made.event_digests ",
        "from (select first from generate_series( \
             (select coalesce(max(last_position), 0) + 1 from es.digests), \
             (select position - $1 + 1 from es.log_head), $1) as first order by first limit $2) range \
         cross join lateral (",
        select_digest!("range.first", "range.first + $1 - 1"),
        ") made where made.events = $1 order by range.first on conflict do nothing"
    ))
    .bind(RANGE)
    .bind(ranges)
    .execute(pool)
    .await
    .map_err(StoreError::unavailable("making digests of the log"))?;
    Ok(made.rows_affected())
}
