//! Counters: how many streams there are of something, changed in the statement that appends events.
//!
//! What a stream is counted in follows from its state alone ([`Aggregate::counters`]). A bound on a
//! counter (a quota, a capacity, "none left") belongs to the command that needs it, because only the
//! command knows the bound; the append checks it.
//!
//! [`Aggregate::counters`]: crate::aggregate::Aggregate::counters

use crate::unique_name::Reach;

/// A kind of counter, declared once by the aggregate whose streams are counted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CounterScope {
    /// Its name in storage. It never changes, and belongs to one scope only.
    pub name: &'static str,
    /// Whether each organization counts for itself.
    pub reach: Reach,
}

/// One counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    /// What kind of counter it is.
    pub scope: &'static CounterScope,
    /// Which one of that kind, such as the id of a cluster.
    pub key: String,
}
