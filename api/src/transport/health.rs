//! What an operator's machinery asks: does the process live, can it serve, how is it doing.
//!
//! None of these needs a token, and none tells more than names of parts and reasons in words. They
//! never wait for anything: what is answered was found out before.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

/// Tells which parts of the process can do their work now.
pub trait Readiness: Send + Sync {
    /// Every part with its state, in an order that does not change. Must answer at once.
    fn parts(&self) -> Vec<Part>;
}

/// One part of the process that has to work for requests to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The part's name, the same in logs and documentation.
    pub name: &'static str,
    /// Whether it works.
    pub state: PartState,
}

/// Whether a part works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartState {
    /// It works.
    Ready,
    /// It leaves something undone, and that is no fault of the process: somebody wanted it, another
    /// process does it, or it is impossible; a sentence for an operator. The process is no less ready for
    /// it.
    Idle(String),
    /// It does not, and why: a sentence for an operator.
    NotReady(String),
}

/// Renders all metrics of the process in Prometheus' text format.
pub type MetricsRenderer = Arc<dyn Fn() -> String + Send + Sync>;

/// The routes `/livez`, `/readyz` and `/metrics`, for roles with an API and without.
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

/// 200 if every part is ready, else 503; the body says which part is not, and why, and what is left undone
/// without fault.
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
