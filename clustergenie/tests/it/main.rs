//! The program as its users see it: processes, files, signals, exit codes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, helpers included"
)]

mod agreement;
mod distributed;
mod documents;
mod imports;
mod login;
mod migrate;
mod paused_leader;
mod program;
mod projections;
mod settings;
mod token;
mod trace;
mod trace_file;
mod transactions;
mod unpublished;
mod up;
mod verify;
