//! Which parts of the process can do their work now: asked by `platform` and by `/readyz`.

/// Tells which parts of the process can do their work now.
pub trait Readiness: Send + Sync {
    /// Every part with its state, in an order that does not change. Must answer at once.
    fn parts(&self) -> Vec<Part>;
}

/// One part of the process that has to work for requests to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The part's name, the same in logs and documentation.
    pub name: &'static str,
    /// Whether it works.
    pub state: PartState,
}

/// Whether a part works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartState {
    /// It works.
    Ready,
    /// It leaves something undone, and that is no fault of the process: somebody wanted it, another
    /// process does it, or it is impossible; a sentence for an operator. The process is no less ready for
    /// it.
    Idle(String),
    /// It does not, and why: a sentence for an operator.
    NotReady(String),
}
