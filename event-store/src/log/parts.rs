//! Parts of streams, read together.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

use super::stored;
use crate::envelope::{StoredEvent, StreamId, Version};
use crate::incarnation::IncarnationId;

/// A part of a stream: its events with `after < version <= up_to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The stream.
    pub stream: StreamId,
    /// The version that the events come after.
    pub after: Version,
    /// The last version.
    pub up_to: Version,
}

/// Returns the query for parts of streams in this incarnation of the log, in the order of the parts, and each part in
/// the order of versions. [`part`] reads a row. The query sees every committed event, sequenced or not, as far as the
/// role that runs it sees the organization. Fails in another incarnation.
pub fn query(incarnation: IncarnationId, parts: &[Part]) -> Query<'static, Postgres, PgArguments> {
    let of = |version: fn(&Part) -> Version| -> Vec<i64> {
        parts.iter().map(|part| version(part).0).collect()
    };
    sqlx::query(concat!(
        "select w.part, ",
        event_columns!(),
        " from unnest($1::uuid[], $2::bigint[], $3::bigint[]) with ordinality \
             as w(stream, after, up_to, part) \
         cross join lateral (select * from es.events where stream_id = w.stream \
             and version > w.after and version <= w.up_to offset 0) e \
         where es.demand_incarnation($4) order by w.part, e.version"
    ))
    .bind(
        parts
            .iter()
            .map(|part| part.stream.uuid)
            .collect::<Vec<_>>(),
    )
    .bind(of(|part| part.after))
    .bind(of(|part| part.up_to))
    .bind(incarnation.0)
}

/// Returns the event of a row of [`query`], with the index of its part.
///
/// # Errors
/// [`sqlx::Error::Decode`] when the event is malformed.
pub fn part(row: &PgRow) -> Result<(usize, StoredEvent), sqlx::Error> {
    let part: i64 = row.try_get("part")?;
    let part = usize::try_from(part - 1).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok((part, stored(row)?))
}
