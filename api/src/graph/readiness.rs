//! The readiness of the parts of the process, which `platform` and `/readyz` report.

/// Reports which parts of the process can do their work now.
pub trait Readiness: Send + Sync {
    /// Returns every part with its state, in an order that does not change. Must return at once.
    fn parts(&self) -> Vec<Part>;
}

/// A part of the process that must work for requests to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The name of the part, the same in logs and documentation.
    pub name: &'static str,
    /// The state of the part.
    pub state: PartState,
}

/// The state of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartState {
    /// The part works.
    Ready,
    /// The part leaves work undone without a fault of the process. Somebody wanted this, another process
    /// does the work, or the work is impossible. The text is a sentence for an operator. The state does not
    /// reduce the readiness of the process.
    Idle(String),
    /// The part does not work. The text gives the reason, as a sentence for an operator.
    NotReady(String),
}
