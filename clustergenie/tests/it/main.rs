//! The program as its users see it: processes, files, signals, exit codes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, helpers included"
)]

mod agreement;
#[cfg(feature = "archive")]
mod archive;
mod connections;
mod dependencies;
mod distributed;
mod doc_comments;
mod documents;
mod draining;
mod es_tables;
mod failover;
mod fair_shares;
mod imports;
mod login;
mod message_size;
mod metadata;
mod migrate;
mod module_circles;
mod program;
mod projections;
mod relay_leaders;
mod restore_drill;
mod rights;
mod settings;
mod token;
mod trace;
mod trace_file;
mod transactions;
mod up;
mod verify;
mod wal_archive;
