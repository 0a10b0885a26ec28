//! A consumer that is rebuilt in place: when its version was raised it starts again from the first event.

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer, Rebuild, apply_batch};
use event_store::consume::generation::{self, ConsumerMode};
use event_store::consume::pause;
use event_store::consume::source::{LogSource, Source};
use event_store::consume::wake::{POLL, Signal};
use event_store::envelope::{Positioned, Recorded};
use event_store::error::StoreError;
use sqlx::{PgConnection, PgPool};
use testkit::events::{Recorder, sequence};
use testkit::postgres::TestDatabase;

/// Writes down positions, with its version.
struct List {
    version: i32,
}

const OLD: List = List { version: 1 };
const NEW: List = List { version: 2 };

#[async_trait]
impl Consumer for List {
    fn name(&self) -> &'static str {
        "list"
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn rebuild(&self) -> Rebuild {
        Rebuild::InPlace {
            clear: "delete from public.list",
        }
    }

    fn stream_types(&self) -> &'static [StreamType] {
        &[StreamType::DROPLET]
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        for event in events {
            sqlx::query("insert into public.list values ($1, $2)")
                .bind(event.position.0)
                .bind(self.version)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(())
    }
}

async fn prepare() -> (TestDatabase, PgPool) {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("create table list (position bigint primary key, version int not null)")
        .execute(&pool)
        .await
        .expect("Postgres answers");
    (database, pool)
}

async fn mode(pool: &PgPool, list: &List) -> ConsumerMode {
    generation::mode(pool, list)
        .await
        .expect("Postgres answers")
}

async fn source(pool: &PgPool, list: &List) -> LogSource {
    let ConsumerMode::Follow(generation) = mode(pool, list).await else {
        panic!("it does nothing");
    };
    let types = list.stream_types();
    let mut source = LogSource::new(pool.clone(), list.name(), types, Signal::new(), POLL);
    source.rewind(generation).await.expect("Postgres answers");
    source
}

async fn rows(pool: &PgPool) -> Vec<(i64, i32)> {
    sqlx::query_as("select position, version from list order by position")
        .fetch_all(pool)
        .await
        .expect("Postgres answers")
}

#[tokio::test]
async fn a_raised_version_starts_again_from_the_first_event_and_fences_the_old_one() {
    let (_database, pool) = prepare().await;
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(1).await;
    sequence(&pool).await;
    let mut old = source(&pool, &OLD).await;
    let batch = old.next().await.expect("reads");
    apply_batch(&pool, &OLD, &batch).await.expect("is applied");
    recorder.droplets(1).await;
    sequence(&pool).await;
    let late = old.next().await.expect("reads");
    assert_eq!(rows(&pool).await, [(1, 1), (2, 1)]);

    let mut new = source(&pool, &NEW).await;
    assert_eq!(rows(&pool).await, []);
    let fenced = apply_batch(&pool, &OLD, &late).await;
    assert!(
        matches!(fenced, Err(StoreError::Fenced { .. })),
        "{fenced:?}"
    );
    let batch = new.next().await.expect("reads");
    apply_batch(&pool, &NEW, &batch).await.expect("is applied");
    assert_eq!(rows(&pool).await, [(1, 2), (2, 2), (3, 2), (4, 2)]);

    assert_eq!(mode(&pool, &NEW).await, ConsumerMode::Follow(2));
    let old = mode(&pool, &OLD).await;
    assert_eq!(old, ConsumerMode::OtherVersion { serving: 2 });
}

#[tokio::test]
async fn processes_that_raise_it_at_once_start_it_again_once() {
    let (_database, pool) = prepare().await;
    assert_eq!(mode(&pool, &OLD).await, ConsumerMode::Follow(1));
    let modes = tokio::join!(mode(&pool, &NEW), mode(&pool, &NEW), mode(&pool, &NEW));
    let expected = ConsumerMode::Follow(2);
    assert_eq!(modes, (expected.clone(), expected.clone(), expected));
    let generations = generation::list(&pool, &["list"]).await.expect("reads");
    assert_eq!(generations.len(), 2);
    let undropped = generation::list_undropped(&pool).await.expect("reads");
    assert_eq!(undropped, [], "there is nothing to drop");
}

#[tokio::test]
async fn a_paused_one_is_left_as_it_is() {
    let (_database, pool) = prepare().await;
    mode(&pool, &OLD).await;
    pause::pause(&pool, "list", "ann", "a test")
        .await
        .expect("is paused");
    assert!(matches!(
        mode(&pool, &NEW).await,
        ConsumerMode::Paused { .. }
    ));
    pause::resume(&pool, "list").await.expect("is resumed");
    assert_eq!(mode(&pool, &NEW).await, ConsumerMode::Follow(2));
}
