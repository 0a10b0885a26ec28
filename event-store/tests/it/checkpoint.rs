//! The beginning of new checkpoints, and the checkpoints that a batch moves.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::stream_type::StreamType;
use event_store::consume::checkpoint;
use event_store::consume::generation;
use event_store::consume::shared_log::PAGE;
use event_store::consume::source::{ConsumerId, LogSource, Source};
use event_store::consume::wake::Signal;
use event_store::envelope::{Position, Shard};
use sqlx::PgPool;
use testkit::events::{Recorder, sequence};
use testkit::postgres::TestDatabase;

const ID: ConsumerId = ConsumerId {
    name: "notebook",
    generation: 1,
};

async fn checkpoints(pool: &PgPool, types: &[StreamType]) -> BTreeMap<Shard, Position> {
    let loaded = checkpoint::load(pool, ID, &Shard::all(types)).await;
    let loaded = loaded.expect("Postgres answers").into_iter();
    loaded.map(|(shard, at)| (shard, at.position)).collect()
}

#[tokio::test]
async fn a_new_checkpoint_begins_before_its_first_event_or_at_the_head() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    generation::begin(&pool, ID.name, 1)
        .await
        .expect("Postgres answers");
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(1).await;
    let before = sequence(&pool).await;
    let job = recorder.jobs(1).await[0];
    let head = sequence(&pool).await;
    recorder.jobs(1).await;

    for (shard, position) in checkpoints(&pool, &[StreamType::JOB]).await {
        let expected = if shard == job.shard() { before } else { head };
        assert_eq!(position, expected, "{shard}");
    }
}

#[tokio::test]
async fn a_new_stream_type_does_not_send_a_consumer_through_the_log() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    generation::begin(&pool, ID.name, 1)
        .await
        .expect("Postgres answers");
    let mut recorder = Recorder::new(pool.clone());
    checkpoints(&pool, &[StreamType::DROPLET]).await;
    recorder.droplets(20).await;
    let head = sequence(&pool).await;
    sqlx::query("update es.checkpoints set position = $1")
        .bind(head.0)
        .execute(&pool)
        .await
        .expect("as if all of it was applied");

    let types = &[StreamType::DROPLET, StreamType::JOB];
    let patience = Duration::from_secs(1);
    let mut source = LogSource::new(pool.clone(), ID.name, types, Signal::new(), patience);
    source
        .rewind(ID.generation)
        .await
        .expect("Postgres answers");
    let job = recorder.jobs(1).await[0];
    sequence(&pool).await;
    let batch = source.next().await.expect("Postgres answers");
    assert!(
        batch.moves.iter().all(|step| step.from == head),
        "{:?}",
        batch.moves
    );
    let versions: Vec<_> = batch
        .events
        .iter()
        .map(|e| (e.event.stream, e.event.version.0))
        .collect();
    assert_eq!(versions, [(job, 1), (job, 2), (job, 3)]);
}

#[tokio::test]
async fn checkpoints_move_with_events_of_their_shards_or_when_they_are_a_page_behind() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    generation::begin(&pool, ID.name, 1)
        .await
        .expect("Postgres answers");
    let shards = Shard::all(&[StreamType::JOB]).len();
    let signal = Signal::new();
    let patience = Duration::from_secs(3_600);
    let types = &[StreamType::JOB];
    let mut source = LogSource::new(pool.clone(), ID.name, types, signal.clone(), patience);
    source.rewind(1).await.expect("Postgres answers");
    let mut recorder = Recorder::new(pool.clone());
    // Events of other types: the first page of them makes no batch.
    recorder.droplets(PAGE / 2 + 1).await;
    let head = sequence(&pool).await;
    signal.raise_to(head.0);
    let batch = source.next().await.expect("Postgres answers");
    let moves = batch.moves.iter().map(|one| one.to);
    assert_eq!(moves.collect::<Vec<_>>(), vec![head; shards]);
    assert_eq!(batch.events.len(), 0);
    // One shard has events.
    recorder.droplets(1).await;
    let job = recorder.jobs(1).await[0];
    let head = sequence(&pool).await;
    signal.raise_to(head.0);
    let batch = source.next().await.expect("Postgres answers");
    assert_eq!(batch.events.len(), 3);
    let moves = batch.moves.iter().map(|one| (one.shard, one.to));
    assert_eq!(moves.collect::<Vec<_>>(), [(job.shard(), head)]);
}
