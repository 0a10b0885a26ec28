//! The log: reads recorded events by position, or a stream by version. The [`sequencer`] assigns the
//! positions.

use std::collections::BTreeMap;

use domain::ids::{EventId, OrgId};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use crate::envelope::{Position, Positioned, Shard, StoredEvent, StreamId, Version};
use crate::error::StoreError;
use crate::incarnation::IncarnationId;

/// The columns of an event `e` and its row in the log `l`, for [`positioned`].
macro_rules! positioned_columns {
    ($org:literal, $data:literal) => {
        concat!(
            "l.position, l.shard, e.stream_id, e.version, e.event_id, ",
            $org,
            ", e.event_type, e.schema_version, ",
            $data,
            " as data, e.metadata::text as metadata, e.recorded_at"
        )
    };
}

/// The columns of [`stored`].
macro_rules! event_columns {
    () => {
        "shard, stream_id, version, event_id, org_id, event_type, schema_version, \
         data::text as data, metadata::text as metadata, recorded_at"
    };
}

/// Selects events with their positions by a condition on `es.log l` and `es.events e`, for [`positioned`].
macro_rules! select_positioned {
    ($condition:literal) => {
        concat!(
            "select ",
            positioned_columns!("e.org_id", "e.data::text"),
            " from es.log l join es.events e on e.seq = l.seq where ",
            $condition
        )
    };
}

pub mod digest;
pub mod gaps;
pub mod parts;
pub mod selection;
pub mod sequencer;

/// The query of the head of the log, for a statement that also reads events. The order lets
/// Postgres find the last version of the row by its index, as soon as an old snapshot keeps many. A scan would read all.
pub const HEAD: &str = "select position from es.log_head order by position desc limit 1";

/// Returns the head of the log: the last assigned position.
///
/// # Errors
/// When Postgres fails.
pub async fn head(pool: &PgPool) -> Result<Position, StoreError> {
    sqlx::query_scalar(HEAD)
        .fetch_one(pool)
        .await
        .map(Position)
        .map_err(StoreError::unavailable("reading the head of the log"))
}

/// Returns the head of the log in this incarnation.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], and when Postgres fails.
pub async fn head_in(pool: &PgPool, incarnation: IncarnationId) -> Result<Position, StoreError> {
    let row = head_query(incarnation).fetch_one(pool).await;
    row.and_then(|row| head_of(&row))
        .map_err(StoreError::asking("reading the head of the log"))
}

/// Returns the query of [`head_in`]; [`head_of`] reads its row.
pub fn head_query(incarnation: IncarnationId) -> Query<'static, Postgres, PgArguments> {
    let head = format!("select ({HEAD}) where es.demand_incarnation($1)");
    sqlx::query(AssertSqlSafe(head)).bind(incarnation.0)
}

/// Returns the head of the log from a row of [`head_query`].
///
/// # Errors
/// [`sqlx::Error::Decode`] when the row is another one's.
pub fn head_of(row: &PgRow) -> Result<Position, sqlx::Error> {
    Ok(Position(row.try_get(0)?))
}

/// Returns the number of committed events that have no position yet; at most 10,000.
///
/// # Errors
/// When Postgres fails.
pub async fn unsequenced(pool: &PgPool) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "select count(*) from (select from es.events e \
             where e.seq > (select low_mark from es.log_head order by position desc limit 1) \
             and not exists (select from es.log l where l.seq = e.seq) limit 10000) uncounted",
    )
    .fetch_one(pool)
    .await
    .map_err(StoreError::unavailable(
        "counting events without a position",
    ))
}

/// Returns the next events after a position, in order, at most `limit`.
///
/// # Errors
/// When Postgres fails.
pub async fn read(
    pool: &PgPool,
    after: Position,
    limit: i64,
) -> Result<Vec<Positioned<StoredEvent>>, StoreError> {
    let rows = sqlx::query(select_positioned!(
        "l.position > $1 order by l.position limit $2"
    ))
    .bind(after.0)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(StoreError::unavailable("reading the log"))?;
    all_positioned(&rows)
}

/// Returns the next events after a position of this incarnation, in order, at most `limit`.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], and when Postgres fails.
pub async fn read_in(
    pool: &PgPool,
    incarnation: IncarnationId,
    after: Position,
    limit: i64,
) -> Result<Vec<Positioned<StoredEvent>>, StoreError> {
    let rows = sqlx::query(select_positioned!(
        "l.position > $1 and es.demand_incarnation($3) order by l.position limit $2"
    ))
    .bind(after.0)
    .bind(limit)
    .bind(incarnation.0)
    .fetch_all(pool)
    .await
    .map_err(StoreError::asking("reading the log"))?;
    all_positioned(&rows)
}

/// Returns the events of one shard with `after < position <= up_to`, in order, at most `limit`.
///
/// # Errors
/// When Postgres fails.
pub async fn read_shard(
    pool: &PgPool,
    shard: Shard,
    after: Position,
    up_to: Position,
    limit: i64,
) -> Result<Vec<Positioned<StoredEvent>>, StoreError> {
    let rows = sqlx::query(select_positioned!(
        "l.shard = $1 and l.position > $2 and l.position <= $3 order by l.position limit $4"
    ))
    .bind(shard.0)
    .bind(after.0)
    .bind(up_to.0)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(StoreError::unavailable("reading a shard of the log"))?;
    all_positioned(&rows)
}

/// Returns the events at the given positions, in order, as a transaction sees them.
pub(crate) async fn read_at(
    transaction: &mut PgConnection,
    positions: &[i64],
) -> Result<Vec<Positioned<StoredEvent>>, StoreError> {
    let rows = sqlx::query(select_positioned!(
        "l.position = any($1) order by l.position"
    ))
    .bind(positions)
    .fetch_all(transaction)
    .await
    .map_err(StoreError::unavailable("reading events of the log"))?;
    all_positioned(&rows)
}

/// Returns the events at those of the given positions that the log has, in order.
///
/// # Errors
/// When Postgres fails.
pub async fn events_at(
    pool: &PgPool,
    positions: &[Position],
) -> Result<Vec<Positioned<StoredEvent>>, StoreError> {
    let unavailable = StoreError::unavailable("reading events of the log");
    let mut connection = pool.acquire().await.map_err(unavailable)?;
    let positions: Vec<i64> = positions.iter().map(|position| position.0).collect();
    read_at(&mut connection, &positions).await
}

/// Returns the events at those of the given positions that the log has, in order. Each event has the
/// position of the preceding event in its shard.
///
/// # Errors
/// When Postgres fails, or an event is malformed.
pub async fn read_chained(
    pool: &PgPool,
    positions: &[Position],
) -> Result<Vec<(Positioned<StoredEvent>, Position)>, StoreError> {
    let unavailable = || StoreError::unavailable("reading events of the log");
    let rows = sqlx::query(concat!(
        "select *, coalesce((select max(p.position) from es.log p \
             where p.shard = here.shard and p.position < here.position), 0) as previous from (",
        select_positioned!("l.position = any($1)"),
        ") here order by position"
    ))
    .bind(positions.iter().map(|p| p.0).collect::<Vec<_>>())
    .fetch_all(pool)
    .await
    .map_err(unavailable())?;
    let previous: Result<Vec<_>, _> = rows.iter().map(|row| row.try_get("previous")).collect();
    let previous = previous.map_err(unavailable())?;
    let events = all_positioned(&rows)?;
    Ok(events
        .into_iter()
        .zip(previous.into_iter().map(Position))
        .collect())
}

/// Returns the ids of the events at those of the given positions that the log has.
///
/// # Errors
/// When Postgres fails.
pub async fn ids_at(
    pool: &PgPool,
    positions: &[Position],
) -> Result<BTreeMap<Position, EventId>, StoreError> {
    let rows: Vec<(i64, Uuid)> = sqlx::query_as(
        "select l.position, e.event_id from es.log l join es.events e on e.seq = l.seq \
         where l.position = any($1)",
    )
    .bind(positions.iter().map(|p| p.0).collect::<Vec<_>>())
    .fetch_all(pool)
    .await
    .map_err(StoreError::unavailable("looking up events of the log"))?;
    Ok(rows
        .into_iter()
        .map(|(position, id)| (Position(position), EventId::new(id)))
        .collect())
}

/// Returns the last position of every shard that has events up to `up_to`.
///
/// # Errors
/// When Postgres fails.
pub async fn shard_heads(
    pool: &PgPool,
    up_to: Position,
) -> Result<Vec<(Shard, Position)>, StoreError> {
    // All shards in the log, also of types that this program does not know, found in the index one by one.
    let rows: Vec<(i16, i64)> = sqlx::query_as(
        "with recursive s(shard) as ( \
             (select shard from es.log order by shard limit 1) \
             union all \
             select (select l.shard from es.log l where l.shard > s.shard order by l.shard limit 1) \
             from s where s.shard is not null) \
         select s.shard, h.position from s \
         cross join lateral (select l.position from es.log l \
             where l.shard = s.shard and l.position <= $1 order by l.position desc limit 1) h \
         where s.shard is not null",
    )
    .bind(up_to.0)
    .fetch_all(pool)
    .await
    .map_err(StoreError::unavailable("reading the heads of the shards"))?;
    Ok(rows
        .into_iter()
        .map(|(shard, position)| (Shard(shard), Position(position)))
        .collect())
}

/// Returns the events of a stream after a version, in order. Sees every committed event, sequenced or not.
///
/// # Errors
/// When Postgres fails.
pub async fn read_stream(
    pool: &PgPool,
    stream: StreamId,
    after: Version,
) -> Result<Vec<StoredEvent>, StoreError> {
    stream_in(pool, None, stream, after, Version(i64::MAX)).await
}

/// Returns the events of a stream with `after < version <= up_to`, in order.
///
/// # Errors
/// When Postgres fails.
pub async fn read_versions(
    pool: &PgPool,
    stream: StreamId,
    after: Version,
    up_to: Version,
) -> Result<Vec<StoredEvent>, StoreError> {
    stream_in(pool, None, stream, after, up_to).await
}

/// Returns the events of a stream like [`read_stream`], for a decision in this incarnation of the log.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], and when Postgres fails.
pub async fn read_stream_in(
    pool: &PgPool,
    incarnation: IncarnationId,
    stream: StreamId,
    after: Version,
) -> Result<Vec<StoredEvent>, StoreError> {
    let last = Version(i64::MAX);
    stream_in(pool, Some(incarnation), stream, after, last).await
}

async fn stream_in(
    pool: &PgPool,
    incarnation: Option<IncarnationId>,
    stream: StreamId,
    after: Version,
    up_to: Version,
) -> Result<Vec<StoredEvent>, StoreError> {
    let unavailable = StoreError::asking("reading a stream");
    let rows = sqlx::query(concat!(
        "select ",
        event_columns!(),
        " from es.events where stream_id = $1 and version > $2 and version <= $4 \
             and ($3::uuid is null or es.demand_incarnation($3)) order by version"
    ))
    .bind(stream.uuid)
    .bind(after.0)
    .bind(incarnation.map(|incarnation| incarnation.0))
    .bind(up_to.0)
    .fetch_all(pool)
    .await
    .map_err(unavailable)?;
    // A droplet's id does not open a job's stream.
    let rows = rows.iter().map(stored);
    let events: Result<Vec<_>, _> = rows
        .filter(|e| !matches!(e, Ok(e) if e.stream != stream))
        .collect();
    events.map_err(StoreError::unavailable("reading a stream"))
}

/// The events that [`push_organization`] selects.
#[derive(Clone, Copy, Debug)]
pub struct OrganizationEvents<'a> {
    /// The organization of the events.
    pub org: &'a OrgId,
    /// The stream of the events; `None` for all.
    pub stream: Option<StreamId>,
    /// The position that all events come after.
    pub after: Position,
    /// The position that all events come before.
    pub before: Position,
    /// True if the data of the events is wanted. Else it is `null`, and Postgres does not read it.
    pub with_data: bool,
}

/// Adds a query for events of an organization. The caller adds conditions, the order `org_id, position`, and a
/// limit. In the query `e` is the event and `l` its row in the log; [`positioned`] reads a row.
pub fn push_organization(query: &mut QueryBuilder<Postgres>, events: OrganizationEvents<'_>) {
    let OrganizationEvents {
        org,
        stream,
        after,
        before,
        with_data,
    } = events;
    query.push("select ").push(if with_data {
        positioned_columns!("l.org_id", "e.data::text")
    } else {
        positioned_columns!("l.org_id", "'null'")
    });
    // `offset 0`: found one by one, because the planner would rather read all events of all organizations if a
    // condition lets few of them through.
    query.push(match stream {
        None => {
            " from es.log l cross join lateral ( \
                 select * from es.events where seq = l.seq offset 0) e where true"
        }
        Some(_) => {
            " from es.events e cross join lateral ( \
                 select * from es.log where seq = e.seq offset 0) l where e.stream_id = "
        }
    });
    if let Some(stream) = stream {
        query.push_bind(stream.uuid);
        // A job's id does not find a droplet's stream.
        query.push(" and e.shard = ").push_bind(Shard::of(stream).0);
    }
    // As rows, because only the index of the organization then has the order. With `org_id = ...` the planner
    // may walk through the log of all others.
    for (operator, position) in [(" > ", after), (" < ", before)] {
        query.push(" and (l.org_id, l.position)").push(operator);
        query.push("(").push_bind(org.as_str().to_owned());
        query.push(", ").push_bind(position.0).push(")");
    }
}

/// Returns the event of a row of [`push_organization`].
///
/// # Errors
/// [`sqlx::Error::Decode`] when the event is malformed.
pub fn positioned(row: &PgRow) -> Result<Positioned<StoredEvent>, sqlx::Error> {
    Ok(Positioned {
        position: Position(row.try_get("position")?),
        event: stored(row)?,
    })
}

fn all_positioned(rows: &[PgRow]) -> Result<Vec<Positioned<StoredEvent>>, StoreError> {
    rows.iter()
        .map(positioned)
        .collect::<Result<_, _>>()
        .map_err(StoreError::unavailable("reading the log"))
}

/// Adds a query for the events of an organization's stream from a version on, in order; [`stored`] reads a row. The
/// query sees every committed event, sequenced or not.
pub fn push_stream(
    query: &mut QueryBuilder<Postgres>,
    org: &OrgId,
    stream: StreamId,
    from: Version,
) {
    query.push(concat!(
        "select ",
        event_columns!(),
        " from es.events where stream_id = "
    ));
    query.push_bind(stream.uuid).push(" and org_id = ");
    query.push_bind(org.as_str().to_owned());
    // A droplet's id does not open a job's stream.
    query.push(" and shard = ").push_bind(Shard::of(stream).0);
    query.push(" and version >= ").push_bind(from.0);
    query.push(" order by version");
}

/// Adds a query for the ids of those of these streams that the organization has.
pub fn push_streams_of(query: &mut QueryBuilder<Postgres>, org: &OrgId, ids: &[Uuid]) {
    query.push("select stream_id from es.events where version = 1 and stream_id = any(");
    query.push_bind(ids.to_vec()).push(") and org_id = ");
    query.push_bind(org.as_str().to_owned());
}

/// Returns the event of a row with the columns of `es.events`.
///
/// # Errors
/// [`sqlx::Error::Decode`] when the event is malformed.
pub fn stored(row: &PgRow) -> Result<StoredEvent, sqlx::Error> {
    let shard = Shard(row.try_get("shard")?);
    Ok(StoredEvent {
        stream: StreamId {
            stream_type: shard.stream_type(),
            uuid: row.try_get("stream_id")?,
        },
        version: Version(row.try_get("version")?),
        event_id: EventId::new(row.try_get("event_id")?),
        org: OrgId::stored(row.try_get("org_id")?),
        event_type: row.try_get("event_type")?,
        schema_version: row.try_get("schema_version")?,
        data: row.try_get("data")?,
        metadata: row.try_get("metadata")?,
        recorded_at: row.try_get("recorded_at")?,
    })
}
