//! The API as its clients see it.

mod admission;
mod authorization;
mod calling;
mod clusters;
mod consistency;
mod cors;
mod etag;
mod execution;
mod health;
mod hostile;
mod http;
mod idempotency;
mod list_then_watch;
mod mutations;
mod page;
mod projections;
mod queries;
mod request_errors;
mod resuming;
mod schema_file;
mod serving;
mod sse;
mod statements;
mod subscriptions;
mod user_errors;
mod websocket;
