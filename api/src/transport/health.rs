//! The endpoints for an operator's monitoring: liveness, readiness and metrics.
//!
//! No endpoint needs a token, and none reveals more than names of parts and reasons in words. The endpoints
//! never wait: their answers were determined before.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::graph::readiness::{Part, PartState, Readiness};

/// Renders all metrics of the process in Prometheus' text format.
pub type MetricsRenderer = Arc<dyn Fn() -> String + Send + Sync>;

/// Returns the routes `/livez`, `/readyz` and `/metrics`, for roles with an API and without.
pub fn health_router(readiness: Arc<dyn Readiness>, metrics: MetricsRenderer) -> Router {
    Router::new()
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(async move || readyz(&readiness.parts())))
        .route(
            "/metrics",
            get(async move || {
                (
                    [(
                        header::CONTENT_TYPE,
                        "text/plain; version=0.0.4; charset=utf-8",
                    )],
                    metrics(),
                )
            }),
        )
}

/// Returns 200 if every part is ready, else 503. The body names each part that is not ready, and each part
/// that leaves work undone without fault, with the reason.
fn readyz(parts: &[Part]) -> Response {
    let ready = !parts
        .iter()
        .any(|part| matches!(part.state, PartState::NotReady(_)));
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let parts: Vec<_> = parts
        .iter()
        .map(|part| match &part.state {
            PartState::Ready => json!({"name": part.name, "ready": true, "reason": null}),
            PartState::Idle(reason) => {
                json!({"name": part.name, "ready": true, "reason": reason})
            }
            PartState::NotReady(reason) => {
                json!({"name": part.name, "ready": false, "reason": reason})
            }
        })
        .collect();
    (status, Json(json!({"ready": ready, "parts": parts}))).into_response()
}
