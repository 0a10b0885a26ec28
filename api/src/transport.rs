//! The transports: HTTP, WebSockets, server-sent events, and the layers in front of all of them.

pub mod accept;
pub mod console;
pub mod cors;
pub mod endpoint;
pub mod graphiql;
pub mod health;
pub mod http;
pub mod peer;
pub mod router;
pub mod send_budget;
pub mod server;
pub mod sse;
pub mod websocket;

mod bearer;
mod consistency_header;
mod params;
mod request_middleware;
mod static_file;
mod traceparent;
