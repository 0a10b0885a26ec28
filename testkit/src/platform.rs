//! The platform in one process, on its own database, for tests of the API and the command line. The platform
//! appends, sequences and projects as the program does, but without Kafka and without the simulated provider.

use std::sync::Arc;
use std::time::Duration;

use commands::execute::Commands;
use event_store::consume::consumer::{self, Consumer};
use event_store::consume::shared_log::SharedLog;
use event_store::consume::source::LogSource;
use event_store::consume::wake::{self, Wake};
use event_store::envelope::{Position, Shard};
use event_store::incarnation::Incarnations;
use event_store::lease;
use event_store::log;
use event_store::log::sequencer::Sequencer;
use event_store::pool::{self, Purpose};
use event_store::stream_types;
use event_store::write::group::Appender;
use projections::changes::Changes;
use projections::consistency::{self, Consistency};
use projections::reader::Reader;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::postgres::TestDatabase;
use crate::wait;

/// Most connections of a pool.
const CONNECTIONS: u32 = 10;

/// A running platform. Dropping this value stops its tasks and drops its database.
#[derive(Debug)]
pub struct TestPlatform {
    /// The executor of commands.
    pub commands: Commands,
    /// The reader for queries, with the role that row-level security binds.
    pub reader: Reader,
    /// The wait of requests for a write.
    pub consistency: Consistency,
    /// The source of subscriptions.
    pub changes: Changes,
    pool: PgPool,
    // Before the database: tasks must not outlive it.
    _tasks: JoinSet<()>,
    _database: Option<TestDatabase>,
}

impl TestPlatform {
    /// Starts an empty platform, where requests wait long enough for any write.
    ///
    /// # Panics
    /// When the database cannot be created.
    pub async fn start() -> Self {
        Self::with_patience(wait::DEADLINE).await
    }

    /// Starts an empty platform whose requests wait up to `patience` for a write.
    ///
    /// # Panics
    /// When the database cannot be created.
    pub async fn with_patience(patience: Duration) -> Self {
        let database = TestDatabase::new().await;
        let url = database.url();
        Self {
            _database: Some(database),
            ..Self::at(&url, patience).await
        }
    }

    /// Starts a platform on a migrated database of the caller, which must outlive it. It connects with the login in the
    /// URL. Requests wait up to `patience` for a write.
    ///
    /// # Panics
    /// When the login may not do what processes do.
    pub async fn at(url: &str, patience: Duration) -> Self {
        let pool_for = async |purpose| {
            let connected = pool::connect(url, purpose, CONNECTIONS).await;
            connected.expect("the database takes connections")
        };
        // With the program's settings, because the tests' own connections do not log statements.
        let pool = pool_for(Purpose::Commands).await;
        stream_types::declare(&pool)
            .await
            .expect("the database is new");
        let queries = pool_for(Purpose::Queries).await;
        let wake = Wake::default();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();

        let (appender, group) = Appender::new(pool.clone(), wake.clone());
        tasks.spawn(group.run());
        tasks.spawn(sequence(pool.clone(), wake.clone()));
        let log = SharedLog::new(pool.clone(), Incarnations::of(pool.clone()));
        for projection in consistency::announcing(projections::all(), &wake.applied) {
            tasks.spawn(project(log.clone(), projection, wake.clone(), stop.clone()));
        }
        let sequenced = wake.sequenced.clone();
        let subscriptions = pool_for(Purpose::Subscriptions).await;
        let (changes, task) = Changes::new(pool.clone(), subscriptions, log, sequenced, wake::POLL);
        tasks.spawn(task.run(stop.clone()));
        let incarnations = Incarnations::open(pool.clone()).await;
        let incarnations = incarnations.expect("the database is new");
        let reader = Reader::new(queries, pool.clone(), incarnations.clone());
        let (consistency, task) = Consistency::new(reader.clone(), wake, patience);
        tasks.spawn(task.run(stop));

        Self {
            commands: Commands::new(pool.clone(), appender, incarnations),
            reader,
            consistency,
            changes,
            pool,
            _tasks: tasks,
            _database: None,
        }
    }

    /// The pool of the platform's own connections.
    #[must_use]
    pub fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// Blocks a projection until the returned transaction is dropped, by locking its checkpoints.
    ///
    /// # Panics
    /// When the projection has no checkpoints yet.
    pub async fn pause(&self, projection: &str) -> Transaction<'static, Postgres> {
        let mut transaction = self.pool.begin().await.expect("a transaction begins");
        let held = sqlx::query("select from es.checkpoints where consumer = $1 for update")
            .bind(projection)
            .execute(&mut *transaction)
            .await
            .expect("checkpoints are locked");
        assert!(
            held.rows_affected() > 0,
            "{projection} has no checkpoints yet"
        );
        transaction
    }

    /// Parks a stream in a projection, as if an event could not be applied.
    ///
    /// # Panics
    /// When there is no such stream.
    pub async fn park(&self, projection: &str, stream: &str) {
        let parked = sqlx::query(
            "insert into es.parked (consumer, generation, stream_id, position, error) \
             select $1, 1, stream_id, 0, 'parked by a test' \
             from es.streams where stream_id = $2::uuid",
        )
        .bind(projection)
        .bind(stream)
        .execute(&self.pool)
        .await
        .expect("a stream is parked");
        assert_eq!(parked.rows_affected(), 1, "there is no stream {stream}");
    }

    /// Parks the next event of a stream, as if it could not be applied now.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn park_next(&self, projection: &str, stream: &str) {
        sqlx::query(
            "insert into es.parked (consumer, generation, stream_id, position, error) \
             select $1, 1, $2::uuid, position + 1, 'parked by a test' from es.log_head",
        )
        .bind(projection)
        .bind(stream)
        .execute(&self.pool)
        .await
        .expect("an event is parked");
    }

    /// Waits until every read model shows every committed event. Returns the head of the log.
    ///
    /// # Panics
    /// After [`wait::until`]'s deadline.
    pub async fn settle(&self) -> Position {
        let events: i64 = sqlx::query_scalar("select count(*) from es.events")
            .fetch_one(&self.pool)
            .await
            .expect("events are counted");
        wait::until("every read model has caught up", async || {
            let head = log::head(&self.pool).await.expect("the log has a head");
            if head.0 < events {
                return None;
            }
            for projection in projections::all() {
                if self.lags(&*projection).await {
                    return None;
                }
            }
            Some(head)
        })
        .await
    }

    // A checkpoint that is not there yet is behind, too.
    async fn lags(&self, projection: &dyn Consumer) -> bool {
        let shards = Shard::all(projection.stream_types());
        let shards: Vec<_> = shards.into_iter().map(|shard| shard.0).collect();
        sqlx::query_scalar(
            "select exists (select from es.log l where l.shard = any($2) and not exists ( \
                 select from es.checkpoints c \
                 join es.generations g using (consumer, generation) \
                 where c.consumer = $1 and g.state = 'SERVING' \
                 and c.shard = l.shard and c.position >= l.position))",
        )
        .bind(projection.name())
        .bind(shards)
        .fetch_one(&self.pool)
        .await
        .expect("checkpoints are read")
    }
}

async fn sequence(pool: PgPool, wake: Wake) {
    let lease = lease::acquire(&pool, "sequencer", "test platform")
        .await
        .expect("the database gives leases")
        .expect("nobody else sequences");
    let mut sequencer = Sequencer::take_over(pool, &lease)
        .await
        .expect("nobody else sequences");
    loop {
        let seen = wake.appended.value();
        let step = sequencer.step().await.expect("nobody else sequences");
        wake.sequenced.raise_to(step.head.0);
        if !step.more {
            wake.appended.above(seen, wake::POLL).await;
        }
    }
}

async fn project(
    log: SharedLog,
    projection: Arc<dyn Consumer>,
    wake: Wake,
    stop: CancellationToken,
) {
    let pool = log.pool().clone();
    let types = projection.stream_types();
    let name = projection.name();
    let mut source = LogSource::new(log, name, types, wake.sequenced, wake::POLL);
    consumer::run(pool, &*projection, &mut source, stop).await;
}
