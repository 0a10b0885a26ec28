//! A consumer that writes down what it applied, in the order in which it did.

use std::sync::Arc;

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::consume::checkpoint::{self, Move};
use event_store::consume::consumer::{ApplyError, Consumer};
use event_store::consume::generation;
use event_store::consume::source::{Batch, ConsumerId};
use event_store::envelope::{Position, Positioned, Recorded, Shard, StreamId};
use event_store::log;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

const NAME: &str = "notebook";

pub(super) const ID: ConsumerId = ConsumerId {
    name: NAME,
    generation: 1,
};

/// Whether the program can apply every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skill {
    All,
    /// Not the first event of the first stream of shard 0.
    NotTheFirst,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Notebook(pub(super) Skill);

#[async_trait]
impl Consumer for Notebook {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn stream_types(&self) -> &'static [StreamType] {
        &[StreamType::DROPLET]
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        let positions: Vec<i64> = events.iter().map(|e| e.position.0).collect();
        sqlx::query(
            "insert into public.notebook (position) \
             select position from unnest($1::bigint[]) with ordinality as n(position, i) order by i",
        )
        .bind(&positions)
        .execute(transaction)
        .await?;
        let first = stream(0, 0);
        let is_poison =
            |e: &Positioned<Recorded>| e.event.stream == first && e.event.version.0 == 1;
        if self.0 == Skill::NotTheFirst && events.iter().any(is_poison) {
            return Err(ApplyError::Event("cannot be applied".to_owned()));
        }
        Ok(())
    }
}

/// The stream of that number of a partition; always the same one.
pub(super) fn stream(partition: i16, number: usize) -> StreamId {
    let shard = Shard::new(StreamType::DROPLET, partition);
    let stream = |uuid| StreamId {
        stream_type: StreamType::DROPLET,
        uuid,
    };
    (1..)
        .map(Uuid::from_u128)
        .map(stream)
        .filter(|stream| stream.shard() == shard)
        .nth(number)
        .expect("there is no end of streams")
}

/// An empty notebook, of a consumer that has applied nothing; its checkpoints are created.
pub(super) async fn reset(pool: &PgPool) {
    clear(pool).await;
    let shards = Shard::all(&[StreamType::DROPLET]);
    checkpoint::load(pool, ID, &shards)
        .await
        .expect("Postgres answers");
}

/// An empty notebook, of a consumer that has no checkpoints.
pub(super) async fn clear(pool: &PgPool) {
    sqlx::raw_sql(
        "create table if not exists public.notebook \
             (line int generated always as identity, position bigint not null); \
         delete from public.notebook",
    )
    .execute(pool)
    .await
    .expect("Postgres answers");
    generation::begin(pool, NAME, 1)
        .await
        .expect("Postgres answers");
}

/// What comes next in a shard after its checkpoint, up to a position; `None` when it stands there already.
pub(super) async fn batch(pool: &PgPool, partition: i16, up_to: i64) -> Option<Batch> {
    let shard = Shard::new(StreamType::DROPLET, partition);
    let loaded = checkpoint::load(pool, ID, &[shard]).await;
    let from = loaded.expect("the generation serves")[&shard].position;
    let to = Position(up_to);
    if from >= to {
        return None;
    }
    let events = log::read_shard(pool, shard, from, to, 100)
        .await
        .expect("Postgres answers");
    let moves = vec![Move {
        shard,
        from,
        to,
        kafka_offset: None,
    }];
    Some(Batch {
        has_more: false,
        generation: ID.generation,
        incarnation: None,
        events: events.into_iter().map(Arc::new).collect(),
        moves,
    })
}

/// What must hold at any time: what is written down or parked is what the checkpoints vouch for, once.
pub(super) async fn agrees_with_checkpoints(pool: &PgPool) -> Result<(), String> {
    let vouched = positions(
        pool,
        "select l.position from es.log l join es.checkpoints c using (shard) \
         where l.position <= c.position order by 1",
    )
    .await;
    let done = positions(
        pool,
        "select position from public.notebook union all select position from es.parked order by 1",
    )
    .await;
    let leaderless = positions(
        pool,
        "select position from es.parked p where error is null and not exists \
             (select from es.parked f where f.stream_id = p.stream_id and f.position < p.position)",
    )
    .await;
    if vouched != done {
        return Err(format!(
            "the checkpoints vouch for {vouched:?}, written down or parked are {done:?}"
        ));
    }
    if !leaderless.is_empty() {
        return Err(format!("{leaderless:?} wait behind nothing"));
    }
    Ok(())
}

/// What must hold in the end: every event is written down once, each stream in its order.
pub(super) async fn is_complete(pool: &PgPool) -> Result<(), String> {
    let logged = positions(pool, "select position from es.log order by 1").await;
    let written = positions(pool, "select position from public.notebook order by 1").await;
    let disorder = positions(
        pool,
        "select n.position from public.notebook n \
         join es.log l using (position) join es.events e using (seq) \
         join es.events f on f.stream_id = e.stream_id and f.version < e.version \
         join es.log m on m.seq = f.seq join public.notebook b on b.position = m.position \
         where b.line > n.line order by 1",
    )
    .await;
    if logged != written || !disorder.is_empty() {
        return Err(format!(
            "{written:?} of {logged:?} are written down, {disorder:?} too early"
        ));
    }
    Ok(())
}

async fn positions(pool: &PgPool, query: &'static str) -> Vec<i64> {
    sqlx::query_scalar(query)
        .fetch_all(pool)
        .await
        .expect("Postgres answers")
}
