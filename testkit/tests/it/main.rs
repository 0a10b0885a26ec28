//! The harness itself, on a real server.

mod postgres;
