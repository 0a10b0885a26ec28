//! Appends to try things on, and what the log says about them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;
use domain::counter::{Counter, CounterScope};
use domain::droplet::{DropletEvent, DropletTagged};
use domain::ids::{CommandId, CorrelationId, DropletId, OrgId};
use domain::registry::Event;
use domain::stream_type::StreamType;
use domain::tag::Tag;
use domain::unique_name::{NameScope, Reach, UniqueName};
use event_store::envelope::{Metadata, RequestSource, StreamId, Version};
use event_store::lease::{self, Lease};
use event_store::log::sequencer::Sequencer;
use event_store::write::append::{Append, Outcome, Prepared, StreamAppend, append_batch};
use event_store::write::counter::CounterChange;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

pub(crate) fn org() -> OrgId {
    OrgId::parse("acme").expect("a valid organization")
}

static NAMES: NameScope = NameScope {
    name: "droplet_name",
    reach: Reach::Organization,
    code: "NAME_TAKEN",
    field: "name",
    holder: "live droplet",
};

static PLATFORM_NAMES: NameScope = NameScope {
    name: "platform_name",
    reach: Reach::Platform,
    code: "PLATFORM_NAME_TAKEN",
    field: "name",
    holder: "anything",
};

/// A name that is unique in its organization.
pub(crate) fn name(key: &str) -> UniqueName {
    UniqueName {
        scope: &NAMES,
        key: key.to_owned(),
    }
}

/// A name that is unique over all organizations.
pub(crate) fn platform_name(key: &str) -> UniqueName {
    UniqueName {
        scope: &PLATFORM_NAMES,
        key: key.to_owned(),
    }
}

/// The statement that takes a key of `acme`, with this receipt. Hashes the key as the migration to hashes does.
pub(crate) fn taking_key(key: &str, receipt: &str) -> String {
    format!(
        "insert into es.idempotency select period, \
             encode(substr(sha256('acme\\000{key}'), 1, 16), 'hex')::uuid, gen_random_uuid(), 'acme', '{receipt}' \
         from es.periods_of_key() as period"
    )
}

static PLACES: CounterScope = CounterScope {
    name: "places",
    reach: Reach::Organization,
};

static PLATFORM_PLACES: CounterScope = CounterScope {
    name: "platform_places",
    reach: Reach::Platform,
};

/// A counter of an organization.
pub(crate) fn places(key: &str) -> Counter {
    Counter {
        scope: &PLACES,
        key: key.to_owned(),
    }
}

/// A counter over all organizations.
pub(crate) fn platform_places(key: &str) -> Counter {
    Counter {
        scope: &PLATFORM_PLACES,
        key: key.to_owned(),
    }
}

/// What a command does that takes one of so many places.
pub(crate) fn taking_one(counter: Counter, of: i64) -> CounterChange {
    CounterChange {
        counter,
        added: 1,
        within: Some(0..=of),
    }
}

/// The count of a counter of that key; `None` where it has no row.
pub(crate) async fn count_of(pool: &PgPool, key: &str) -> Option<i64> {
    sqlx::query_scalar("select count from es.counters where key = $1")
        .bind(key)
        .fetch_optional(pool)
        .await
        .expect("Postgres answers")
}

pub(crate) fn new_stream() -> StreamId {
    DropletId::new(Uuid::now_v7()).into()
}

pub(crate) fn tagged(tag: &str) -> Event {
    let tag = Tag::parse(tag).expect("a valid tag");
    DropletEvent::Tagged(DropletTagged { tag }).into()
}

pub(crate) fn metadata() -> Metadata {
    Metadata {
        actor: "tester".to_owned(),
        command_id: CommandId::new(Uuid::now_v7()),
        correlation_id: CorrelationId::new(Uuid::now_v7()),
        causation_id: None,
        traceparent: None,
        source: RequestSource::Api,
        occurred_at: Utc::now(),
    }
}

/// An append of `count` events to one stream.
pub(crate) fn append_to(stream: StreamId, expected: i64, count: usize) -> Append {
    let events = (0..count).map(|i| tagged(&format!("n{i}"))).collect();
    let append = StreamAppend {
        stream,
        expected: Version(expected),
        events,
    };
    Append::new(org(), vec![append], metadata())
}

pub(crate) fn prepared(append: Append) -> Prepared {
    Prepared::new(append).expect("the events can be stored")
}

/// Appends alone and gives what became of it.
pub(crate) async fn append(pool: &PgPool, append: Append) -> Outcome {
    let mut outcomes = append_batch(pool, &[prepared(append)])
        .await
        .expect("Postgres answers");
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

/// A sequencer under a new lease, whoever had it before.
pub(crate) async fn sequencer(pool: &PgPool) -> Sequencer {
    let lease = new_lease(pool).await;
    Sequencer::take_over(pool.clone(), &lease)
        .await
        .expect("the log is free")
}

/// The sequencer's lease, whoever had it before.
pub(crate) async fn new_lease(pool: &PgPool) -> Lease {
    sqlx::query("update es.leases set expires_at = '-infinity'")
        .execute(pool)
        .await
        .expect("Postgres answers");
    let owner = Uuid::now_v7().to_string();
    let lease = lease::acquire(pool, "sequencer", &owner)
        .await
        .expect("Postgres answers");
    lease.expect("the lease is free")
}

/// Steps until there is nothing more to give a position to.
pub(crate) async fn sequence_all(sequencer: &mut Sequencer) {
    while sequencer.step().await.expect("the log is ours").sequenced > 0 {}
}

/// Everything the log promises, checked against the committed events.
pub(crate) async fn assert_log_is_whole(pool: &PgPool) {
    if let Err(wrong) = wrong_with_log(pool).await {
        panic!("{wrong}");
    }
}

/// What the log does not keep of what it promises.
pub(crate) async fn wrong_with_log(pool: &PgPool) -> Result<(), String> {
    let rows: Vec<(i64, i64, Uuid, i64, i16)> = sqlx::query_as(
        "select l.position, l.seq, e.stream_id, e.version, l.shard \
         from es.log l join es.events e on e.seq = l.seq and e.shard = l.shard order by l.position",
    )
    .fetch_all(pool)
    .await
    .expect("Postgres answers");
    let committed: BTreeSet<i64> = sqlx::query_scalar("select seq from es.events")
        .fetch_all(pool)
        .await
        .expect("Postgres answers")
        .into_iter()
        .collect();
    let logged: BTreeSet<i64> = rows.iter().map(|row| row.1).collect();
    let head: i64 = sqlx::query_scalar("select position from es.log_head")
        .fetch_one(pool)
        .await
        .expect("Postgres answers");
    if logged.len() != rows.len() {
        return Err(format!("an event has two positions: {rows:?}"));
    }
    if logged != committed {
        return Err(format!(
            "the numbers {committed:?} are committed, {logged:?} have positions"
        ));
    }
    let positions: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let dense: Vec<i64> = (1..=i64::try_from(rows.len()).expect("few rows")).collect();
    if positions != dense || head != dense.last().copied().unwrap_or(0) {
        return Err(format!(
            "the head is {head}, the positions are {positions:?}"
        ));
    }
    let misplaced: Option<(i64, i64)> = sqlx::query_as(
        "select position, org_position from ( \
             select *, row_number() over (partition by org_id order by position) as dense, \
                 lag(sequenced_at) over (order by position) as time_before from es.log) placed \
         where org_position <> dense or sequenced_at < time_before limit 1",
    )
    .fetch_optional(pool)
    .await
    .expect("Postgres answers");
    if let Some((position, org_position)) = misplaced {
        return Err(format!(
            "position {position} is {org_position} in its organization, or earlier than the one before"
        ));
    }
    let mut versions: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (position, _, uuid, version, shard) in rows {
        let last = versions.insert(uuid, version).unwrap_or(0);
        let stream = StreamId {
            stream_type: StreamType::DROPLET,
            uuid,
        };
        if version != last + 1 || shard != stream.shard().0 {
            return Err(format!(
                "version {version} of stream {uuid} follows {last} at {position}, in shard {shard}"
            ));
        }
    }
    Ok(())
}

/// Inserts one event of a new stream inside the caller's transaction, as the append statement does:
/// the claim first, which gives the transaction its id, then the number. Gives the stream.
pub(crate) async fn insert_within(transaction: &mut PgConnection) -> StreamId {
    let stream = new_stream();
    sqlx::query(
        "with claimed as ( \
             insert into es.streams (stream_id, stream_type, org_id, version) \
             values ($1, 'droplet', 'acme', 1) returning stream_id) \
         insert into es.events (stream_id, version, shard, event_id, org_id, event_type, \
             schema_version, data, metadata) \
         select stream_id, 1, $2, $3, 'acme', 'droplet_tagged', 1, '{\"tag\":\"n0\"}', $4::json \
         from claimed",
    )
    .bind(stream.uuid)
    .bind(stream.shard().0)
    .bind(Uuid::now_v7())
    .bind(serde_json::to_string(&metadata()).expect("is JSON"))
    .execute(transaction)
    .await
    .expect("Postgres answers");
    stream
}

/// The position of a stream's event, once it has one.
pub(crate) async fn position_of(pool: &PgPool, stream: StreamId, version: i64) -> Option<i64> {
    sqlx::query_scalar(
        "select l.position from es.log l join es.events e using (seq) \
         where e.stream_id = $1 and e.version = $2",
    )
    .bind(stream.uuid)
    .bind(version)
    .fetch_optional(pool)
    .await
    .expect("Postgres answers")
}

/// Waits until a session of the database waits for a lock.
pub(crate) async fn until_one_waits_for_a_lock(pool: &PgPool) {
    testkit::wait::until("a session waits for a lock", || async {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity \
             where wait_event_type = 'Lock' and datname = current_database()",
        )
        .fetch_one(pool)
        .await
        .expect("Postgres answers");
        (waiting > 0).then_some(())
    })
    .await;
}
