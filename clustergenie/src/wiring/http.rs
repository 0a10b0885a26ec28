//! The HTTP server of a process: the API, or only health and metrics.

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
use api::transport::server::{ConnectionLimits, MAX_CONNECTIONS, Stop};
use api::transport::{health, router, server};
use tokio::net::TcpListener;

use crate::config::Clients;
use crate::file_descriptors;
use crate::readiness::Ready;
use crate::tasks::{Stage, Tasks};
use crate::telemetry::Metrics;

/// The time beyond the time limit of an operation in which its answer is sent, and a WebSocket is closed.
const ANSWER: Duration = Duration::from_secs(2);

/// Grace period of all other tasks of a process with an API.
const OTHERS: Duration = Duration::from_secs(5);

/// Grace period of the connections to `/livez`, `/readyz` and `/metrics`.
const HEALTH_GRACE: Duration = Duration::from_secs(2);

/// An empty set of tasks for a process with an API: it drains, and gives requests time to end.
pub(crate) fn tasks(clients: &Clients) -> Tasks {
    Tasks::new(grace(clients) + OTHERS).drain_for(clients.drain_delay)
}

/// Grace period of the connections to the API: no request that keeps its time limit is cut off.
fn grace(clients: &Clients) -> Duration {
    clients.requests.limit_execution() + ANSWER
}
/// The most connections of probes at once: some monitors, with some connections each.
const PROBES: usize = 128;

/// Opens a listening socket.
///
/// # Errors
/// When the port is in use, or the address is not one of this machine.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}: the port is in use, or it is not an address of this machine; \
             choose another one"
        )
    })
}

/// Serves the API, health and metrics.
///
/// # Errors
/// When a trusted document would not run.
pub(crate) async fn serve_api(
    tasks: &mut Tasks,
    listener: TcpListener,
    services: Services,
    auth: Auth,
    clients: &Clients,
    metrics: &Metrics,
) -> anyhow::Result<()> {
    let readiness = Arc::clone(&services.readiness);
    let rules = clients.requests.rules()?;
    let shares = rules.shares.clone();
    let limits = ConnectionLimits {
        connections: file_descriptors::most_connections(MAX_CONNECTIONS),
        trusted_proxies: clients.trusted_proxies.as_slice().into(),
        ..ConnectionLimits::default()
    };
    let endpoint = Endpoint {
        executor: schema::build(services, rules),
        auth,
        limits: WebSocketLimits::default(),
        origins: clients.cors_origins.clone(),
        send_budget: SendBudget::new(clients.unread_bytes),
        shares,
    };
    let router = router::transports(endpoint, readiness, renderer(metrics), clients.graphiql());
    let (grace, draining) = (grace(clients), tasks.draining());
    tasks.spawn(Stage::Serve, "api", move |close| async move {
        server::run(listener, router, limits, grace, Stop { draining, close }).await;
        Ok(())
    });
    Ok(())
}

/// Serves health and metrics of a process without an API.
///
/// # Errors
/// When the address cannot be listened on, or metrics were started before.
pub(crate) async fn serve_health(
    tasks: &mut Tasks,
    ready: &Arc<Ready>,
    address: SocketAddr,
) -> anyhow::Result<()> {
    let metrics = Metrics::start()?;
    keep_current(tasks, ready, &metrics);
    serve_operations(tasks, ready, &metrics, address).await
}

/// Serves health and metrics on an address of their own, where no client can take the places of probes. The server is
/// the last task to stop.
///
/// # Errors
/// When the address cannot be listened on.
pub(crate) async fn serve_operations(
    tasks: &mut Tasks,
    ready: &Arc<Ready>,
    metrics: &Metrics,
    address: SocketAddr,
) -> anyhow::Result<()> {
    let listener = listen(address).await?;
    tracing::info!(address = %listener.local_addr()?, "serving /livez, /readyz and /metrics");
    let router = health::health_router(Arc::clone(ready) as _, renderer(metrics));
    let limits = ConnectionLimits {
        connections: PROBES,
        of_address: PROBES,
        ..ConnectionLimits::default()
    };
    tasks.spawn(Stage::Follow, "health", |close| async move {
        let stop = Stop {
            close,
            ..Stop::default()
        };
        server::run(listener, router, limits, HEALTH_GRACE, stop).await;
        Ok(())
    });
    Ok(())
}

/// Keeps the answers of `/readyz` and `/metrics` current.
pub(crate) fn keep_current(tasks: &mut Tasks, ready: &Arc<Ready>, metrics: &Metrics) {
    let (ready, metrics) = (Arc::clone(ready), metrics.clone());
    tasks.spawn(Stage::Follow, "readiness", |stop| ready.watch(stop));
    tasks.spawn(Stage::Follow, "metrics", |stop| metrics.run_upkeep(stop));
}

fn renderer(metrics: &Metrics) -> MetricsRenderer {
    let metrics = metrics.clone();
    Arc::new(move || metrics.render())
}
