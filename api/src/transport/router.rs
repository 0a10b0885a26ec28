//! All paths that are served, and the layers in front of them.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::graph::readiness::Readiness;
use crate::pipeline::Executor;
use crate::transport::cors;
use crate::transport::endpoint::Endpoint;
use crate::transport::health::{MetricsRenderer, health_router};
use crate::transport::server::{Connections, Peer};
use crate::transport::{console, graphiql, http, request_middleware, websocket};

/// The path of the GraphQL endpoint, for all transports.
pub const PATH: &str = "/graphql";

/// Tells whether a web page is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The page is served.
    Served,
    /// The page is not found.
    Off,
}

/// Returns all routes: the GraphQL endpoint, the console, the GraphiQL page, and the endpoints for operators'
/// monitoring. The router must be served by [`crate::transport::server::run`], which tracks its WebSockets.
pub fn transports<E: Executor>(
    endpoint: Endpoint<E>,
    readiness: Arc<dyn Readiness>,
    metrics: MetricsRenderer,
    graphiql: Page,
) -> Router {
    let mut graphql = any(graphql::<E>);
    if !endpoint.origins.is_empty() {
        graphql = graphql.layer(cors::layer(endpoint.origins.clone()));
    }
    Router::new()
        .route(PATH, graphql)
        .with_state(Arc::new(endpoint))
        .merge(console::routes())
        .merge(match graphiql {
            Page::Served => graphiql::routes(),
            Page::Off => Router::new(),
        })
        .merge(health_router(readiness, metrics))
        .fallback(console::page_or_not_found)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn(request_middleware::attend))
}

/// Chooses the transport of a GraphQL request.
async fn graphql<E: Executor>(
    State(endpoint): State<Arc<Endpoint<E>>>,
    Extension(connections): Extension<Connections>,
    Extension(Peer(peer)): Extension<Peer>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let wants_websocket = request
        .headers()
        .get(header::UPGRADE)
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
    match upgrade {
        Ok(upgrade) => {
            let headers = request.headers();
            let proxies = connections.places().trusted_proxies();
            let client = proxies.client(peer, headers);
            match connections.places().of_forwarded(peer, client) {
                Ok(place) => websocket::upgrade(upgrade, headers, endpoint, &connections, place),
                Err(why) => (StatusCode::TOO_MANY_REQUESTS, format!("{why}\n")).into_response(),
            }
        }
        Err(rejection) if wants_websocket => rejection.into_response(),
        Err(_) => http::answer(&endpoint, connections.stop(), request).await,
    }
}
