//! Parts of streams, read together.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::stored;
use crate::envelope::{StoredEvent, StreamId, Version};
use crate::error::StoreError;
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

/// Reads parts of streams by one statement in this incarnation of the log, in the order of the parts, and each part in
/// the order of versions. Each event comes with the index of its part. An event is read when it is polled, so that not
/// all are in memory. Sees every committed event, sequenced or not.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], and when Postgres fails.
pub fn read<'pool>(
    pool: &'pool PgPool,
    incarnation: IncarnationId,
    parts: &[Part],
) -> BoxStream<'pool, Result<(usize, StoredEvent), StoreError>> {
    let unavailable = |error| StoreError::asking("reading streams")(error);
    let of = |version: fn(&Part) -> Version| -> Vec<i64> {
        parts.iter().map(|part| version(part).0).collect()
    };
    let rows = sqlx::query(concat!(
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
    .fetch(pool);
    let events = rows.and_then(async |row: PgRow| {
        let part: i64 = row.try_get("part")?;
        let part = usize::try_from(part - 1).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok((part, stored(&row)?))
    });
    events.map_err(unavailable).boxed()
}
