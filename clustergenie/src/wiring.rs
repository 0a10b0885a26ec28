//! The parts that processes are made of, each put into the task set at its stage. `up` has all of
//! them; every role of a distributed installation has some.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::graph::services::Services;
use api::identity::tokens::Auth;
use api::schema;
use api::transport::endpoint::{Endpoint, WebSocketLimits};
use api::transport::health::MetricsRenderer;
use api::transport::send_budget::SendBudget;
use commands::execute::Commands;
use commands::process::job_runner::{self, Simulation, TodoList};
use event_store::cloudevent::Topics;
use event_store::consume::consumer::{self, Consumer};
use event_store::consume::shared_log::SharedLog;
use event_store::consume::source::{LogSource, Source};
use event_store::consume::wake::{self, Hint, Signal, Wake};
use event_store::write::group::Appender;
use outbox_relay::health::RelayHealth;
use outbox_relay::{maintenance, publisher, sequencing};
use projections::changes::Changes;
use projections::consistency::{self, Consistency};
use projections::kafka::KafkaSource;
use projections::operations::Operations;
use projections::reader::Reader;
use projections::rebuild;
use sqlx::PgPool;
use tokio::net::TcpListener;

use crate::config::{Clients, Provider};
use crate::readiness::Ready;
use crate::tasks::{Stage, Tasks};
use crate::telemetry::Metrics;

/// How long followers of the log sleep at most where the sequencer is in the same process: its hints
/// are not lost, so an idle platform need not look every second.
pub(crate) const WITHIN_ONE_PROCESS: Duration = Duration::from_secs(30);

/// Where consumers get events from.
#[derive(Clone, Debug)]
pub(crate) enum Feed {
    /// The log itself, which all of them read together.
    Log(SharedLog),
    /// Kafka.
    Kafka(Brokers),
}

/// A Kafka, and what is ours in it.
#[derive(Clone, Debug)]
pub(crate) struct Brokers {
    pub(crate) addresses: String,
    pub(crate) topics: Topics,
}

/// Opens a socket to serve on.
///
/// # Errors
/// When the address is in use or not ours.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "{address} cannot be served: another process uses it, or it is not of this machine; \
             choose another address"
        )
    })
}

/// The way to give commands; what they decide is appended by a task that ends when nobody can give
/// commands any more.
///
/// Appends have connections of their own: whoever reads, and however much, a command that was decided
/// does not wait for one.
pub(crate) fn commands(
    tasks: &mut Tasks,
    loading: &PgPool,
    appending: PgPool,
    wake: &Wake,
) -> Commands {
    let (appender, group) = Appender::new(appending, wake.clone());
    tasks.spawn(Stage::Append, "append", |_| async move {
        group.run().await;
        Ok(())
    });
    Commands::new(loading.clone(), appender)
}

/// Gives positions to events, forgets what is no longer needed, and publishes to Kafka if there is
/// one.
pub(crate) fn relay(
    tasks: &mut Tasks,
    pool: &PgPool,
    wake: &Wake,
    kafka: Option<Brokers>,
) -> Arc<RelayHealth> {
    let health = Arc::new(RelayHealth::new());
    let owner = unique_owner();
    {
        let (pool, wake, owner) = (pool.clone(), wake.clone(), owner.clone());
        let health = Arc::clone(&health);
        tasks.spawn(Stage::Follow, "sequencer", |stop| async move {
            sequencing::run(pool, wake, owner, health, stop).await;
            Ok(())
        });
    }
    {
        let pool = pool.clone();
        tasks.spawn(Stage::Follow, "maintenance", |stop| async move {
            maintenance::run(pool, stop).await;
            Ok(())
        });
    }
    if let Some(Brokers { addresses, topics }) = kafka {
        let (pool, wake, health) = (pool.clone(), wake.clone(), Arc::clone(&health));
        tasks.spawn(Stage::Follow, "publisher", |stop| async move {
            publisher::run(pool, addresses, topics, wake, owner, health, stop).await;
            Ok(())
        });
    }
    health
}

/// Runs consumers, each in a task of its own.
///
/// # Errors
/// When Kafka's addresses are malformed.
pub(crate) fn consumers(
    tasks: &mut Tasks,
    pool: &PgPool,
    wake: &Wake,
    feed: &Feed,
    consumers: Vec<Arc<dyn Consumer>>,
) -> anyhow::Result<()> {
    for consumer in consumers {
        let mut source = source(pool, wake, feed, consumer.as_ref())?;
        let pool = pool.clone();
        tasks.spawn(
            Stage::Follow,
            format!("consumer {}", consumer.name()),
            |stop| async move {
                consumer::run(pool, consumer.as_ref(), source.as_mut(), stop).await;
                Ok(())
            },
        );
    }
    Ok(())
}

/// Makes read models anew, beside those that serve, when that is asked for.
pub(crate) fn rebuilds(tasks: &mut Tasks, pool: &PgPool, wake: &Wake) {
    let (pool, applied, owner) = (pool.clone(), wake.applied.clone(), unique_owner());
    tasks.spawn(Stage::Follow, "rebuilds", |stop| async move {
        rebuild::run(pool, projections::all(), applied, owner, stop).await;
        Ok(())
    });
}

fn source(
    pool: &PgPool,
    wake: &Wake,
    feed: &Feed,
    consumer: &dyn Consumer,
) -> anyhow::Result<Box<dyn Source>> {
    let (name, types) = (consumer.name(), consumer.stream_types());
    Ok(match feed {
        Feed::Log(log) => Box::new(LogSource::new(
            log.clone(),
            name,
            types,
            wake.sequenced.clone(),
            WITHIN_ONE_PROCESS,
        )),
        Feed::Kafka(Brokers { addresses, topics }) => Box::new(KafkaSource::start(
            addresses,
            topics,
            pool.clone(),
            name,
            consumer.version(),
            types,
        )?),
    })
}

/// Works off the platform's own jobs. Returns the to-do list, which is to be run as a consumer.
pub(crate) fn platform(
    tasks: &mut Tasks,
    pool: &PgPool,
    commands: Commands,
    provider: &Provider,
) -> Arc<TodoList> {
    let todo = Signal::new();
    let simulation = Simulation {
        step_delay: provider.step_delay,
        failure_rate: provider.failure_rate,
    };
    let (pool, workers, hint) = (pool.clone(), usize::from(provider.workers), todo.clone());
    tasks.spawn(Stage::Work, "platform", |stop| async move {
        job_runner::run(pool, commands, simulation, hint, workers, stop).await;
        Ok(())
    });
    Arc::new(TodoList::new(todo))
}

/// Reads the log for subscribers, together with others if they have `log` too; reads without a signal when
/// none came for `patience`.
pub(crate) fn changes(
    tasks: &mut Tasks,
    pool: &PgPool,
    log: SharedLog,
    wake: &Wake,
    patience: Duration,
) -> Changes {
    let (changes, task) = Changes::new(pool.clone(), log, wake.sequenced.clone(), patience);
    tasks.spawn(Stage::Follow, "changes", |stop| async move {
        task.run(stop).await;
        Ok(())
    });
    changes
}

/// Lets requests wait for what was written.
pub(crate) fn consistency(
    tasks: &mut Tasks,
    reader: &Reader,
    wake: &Wake,
    clients: &Clients,
) -> Consistency {
    let (consistency, task) =
        Consistency::new(reader.clone(), wake.clone(), clients.consistency_wait);
    tasks.spawn(Stage::Follow, "consistency", |stop| async move {
        task.run(stop).await;
        Ok(())
    });
    consistency
}

/// Lets admins operate read models through the API; who waits in this process hears of it at once.
pub(crate) fn operating(pool: &PgPool, wake: &Wake) -> Operations {
    let read_models = consistency::announcing(projections::all(), &wake.applied);
    Operations::new(pool.clone(), read_models)
}

/// Serves the API, and how the process is.
///
/// # Errors
/// When a trusted document would not run.
pub(crate) async fn api(
    tasks: &mut Tasks,
    listener: TcpListener,
    services: Services,
    auth: Auth,
    clients: &Clients,
    metrics: &Metrics,
) -> anyhow::Result<()> {
    let readiness = Arc::clone(&services.readiness);
    let rules = clients.requests.rules().await?;
    let endpoint = Endpoint {
        executor: schema::build(services, rules),
        auth,
        limits: WebSocketLimits::default(),
        origins: clients.cors_origins.clone(),
        send_budget: SendBudget::new(clients.unread_bytes),
    };
    let router = api::transport::router::transports(endpoint, readiness, renderer(metrics));
    tasks.spawn(Stage::Serve, "api", |stop| async move {
        api::transport::server::run(listener, router, stop).await;
        Ok(())
    });
    Ok(())
}

/// Serves how a process without an API is; the last to stop.
pub(crate) fn health(
    tasks: &mut Tasks,
    listener: TcpListener,
    ready: &Arc<Ready>,
    metrics: &Metrics,
) {
    let router = api::transport::health::health_router(Arc::clone(ready) as _, renderer(metrics));
    tasks.spawn(Stage::Follow, "health", |stop| async move {
        api::transport::server::run(listener, router, stop).await;
        Ok(())
    });
}

/// Keeps what `/readyz` and `/metrics` answer up to date.
pub(crate) fn observe(tasks: &mut Tasks, ready: &Arc<Ready>, metrics: &Metrics) {
    let (ready, metrics) = (Arc::clone(ready), metrics.clone());
    tasks.spawn(Stage::Follow, "readiness", |stop| ready.watch(stop));
    tasks.spawn(Stage::Follow, "metrics", |stop| metrics.keep_up(stop));
}

/// Tells other processes about a hint of this one.
pub(crate) fn announce(tasks: &mut Tasks, pool: &PgPool, wake: &Wake, hint: Hint) {
    let (pool, wake) = (pool.clone(), wake.clone());
    tasks.spawn(
        Stage::Follow,
        format!("announce {hint:?}"),
        |stop| async move {
            wake::announce(pool, wake, hint, stop).await;
            Ok(())
        },
    );
}

/// Takes in a hint of other processes.
pub(crate) fn take_in(tasks: &mut Tasks, pool: &PgPool, wake: &Wake, hint: Hint) {
    let (pool, wake) = (pool.clone(), wake.clone());
    tasks.spawn(
        Stage::Follow,
        format!("listen {hint:?}"),
        |stop| async move {
            wake::listen(pool, wake, hint, wake::SILENCE, stop).await;
            Ok(())
        },
    );
}

fn renderer(metrics: &Metrics) -> MetricsRenderer {
    let metrics = metrics.clone();
    Arc::new(move || metrics.render())
}

/// What leases of this process are held as.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge: here ids enter the program"
)]
fn unique_owner() -> String {
    format!("{}-{}", std::process::id(), uuid::Uuid::now_v7())
}
