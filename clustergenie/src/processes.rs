//! The processes that serve: everything at once (`up`), or the parts of a distributed installation.
//!
//! A process connects to its servers, puts its parts into one task set, and serves `/readyz`. A signal or a
//! failed part stops the process. `wiring` starts the parts; each file here only lists the parts of a
//! process. Any number of processes may have the same role, except `up`, which owns its data directory.
//! `migrate` has no parts: it ends when the database is at the program's version.

pub(crate) mod api;
mod database;
pub(crate) mod migrate;
pub(crate) mod project;
pub(crate) mod relay;
mod reservation;
pub(crate) mod up;
pub(crate) mod work;
