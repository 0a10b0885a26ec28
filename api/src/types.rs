//! The types of the API, one a file. They are views: made from rows, without logic of their own.

pub(crate) mod activity;
pub(crate) mod address;
pub(crate) mod catalogue;
pub(crate) mod change;
pub(crate) mod counts;
pub(crate) mod droplet;
pub(crate) mod droplet_status;
pub(crate) mod event;
pub(crate) mod job;
pub(crate) mod job_status;
pub(crate) mod money;
pub(crate) mod node;
pub(crate) mod platform;
pub(crate) mod projection;
pub(crate) mod provisioner;
pub(crate) mod rate_limit;
pub(crate) mod resource_type;
pub(crate) mod runner;
pub(crate) mod totals;
