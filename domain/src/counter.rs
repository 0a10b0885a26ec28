//! Counters of streams, changed in the statement that appends events.
//!
//! The counters of a stream follow from its state alone ([`Aggregate::counters`]). A bound on a counter (a
//! quota, a capacity, "none left") belongs to the command that needs it, because only the command knows the
//! bound. The append checks the bound.
//!
//! [`Aggregate::counters`]: crate::aggregate::Aggregate::counters

use crate::unique_name::Reach;

/// A kind of counter, declared once by the aggregate whose streams are counted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CounterScope {
    /// The name of the scope in storage. A name never changes, and belongs to one scope only.
    pub name: &'static str,
    /// The reach of the counter: each organization or the whole platform.
    pub reach: Reach,
}

/// A counter of streams.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    /// The kind of the counter.
    pub scope: &'static CounterScope,
    /// The key of the counter within its kind, such as the id of a cluster.
    pub key: String,
}
