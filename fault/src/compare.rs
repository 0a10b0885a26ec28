//! Comparisons of the answers to clients and subscribers with the records of the platform.
//!
//! Each comparison is a function of the data that was read, so that tests can show that it finds each
//! difference.

pub(crate) mod clusters;
pub(crate) mod commands;
pub(crate) mod history;
pub(crate) mod kafka;
pub(crate) mod kcat;
pub(crate) mod positions;
pub(crate) mod read_models;
pub(crate) mod subscribers;
