//! Holds what clients and subscribers were told against what the platform has recorded.
//!
//! Each comparison is a function of what was read, so that tests can show that it finds what it is for.

pub(crate) mod commands;
pub(crate) mod history;
pub(crate) mod kafka;
pub(crate) mod kcat;
pub(crate) mod positions;
pub(crate) mod read_models;
pub(crate) mod subscribers;
