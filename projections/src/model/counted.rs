//! The dimensions of streams, declared beside the model of their rows, and counted by
//! [`counts`](crate::counts).

use event_store::consume::consumer::ApplyError;
use event_store::envelope::Recorded;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fold::UnexpectedEvent;

/// A dimension by which streams are counted, such as `droplet_status`. Its name is stored, and belongs
/// to one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dimension(pub &'static str);

/// The facts of a stream that its counters depend on: the little that has to be known to count it.
pub trait Counted: Serialize + DeserializeOwned {
    /// Returns the facts after the event. `before` are the facts before it, if there was an event
    /// before. The event is the next one of the stream: the caller has checked it.
    ///
    /// # Errors
    /// When the event cannot have come next. The stream is then parked in `counts`.
    fn fold(before: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent>;

    /// The counters that the stream adds one to.
    fn counters(&self) -> Vec<(Dimension, &str)>;
}

/// The counting of streams, without the type of their facts.
#[derive(Debug, Clone, Copy)]
pub struct Counting {
    step: fn(Option<&str>, &Recorded) -> Result<Step, ApplyError>,
}

/// The changes that an event makes.
#[derive(Debug)]
pub(crate) struct Step {
    /// The facts of the stream after the event, as JSON: to be kept.
    pub(crate) counted: String,
    /// The counters that lose one.
    pub(crate) left: Vec<Counter>,
    /// The counters that gain one.
    pub(crate) entered: Vec<Counter>,
}

/// A counter of an organization: a dimension and a value.
pub(crate) type Counter = (Dimension, String);

impl Counting {
    /// Counts streams by the facts `C`.
    #[must_use]
    pub const fn of<C: Counted>() -> Self {
        Self { step: step::<C> }
    }

    /// Returns the changes that an event makes; `before` are the facts that the step before it kept.
    ///
    /// # Errors
    /// When the event, or the facts that were kept, make no sense.
    pub(crate) fn step(self, before: Option<&str>, event: &Recorded) -> Result<Step, ApplyError> {
        (self.step)(before, event)
    }
}

fn step<C: Counted>(before: Option<&str>, event: &Recorded) -> Result<Step, ApplyError> {
    let unreadable = |error: serde_json::Error| {
        let stream = event.stream;
        ApplyError::Event(format!(
            "what the stream {stream} is counted as cannot be read or kept: {error}"
        ))
    };
    let before: Option<C> = before
        .map(serde_json::from_str)
        .transpose()
        .map_err(unreadable)?;
    let left = before.as_ref().map(counters).unwrap_or_default();
    let after = C::fold(before, event)?;
    Ok(Step {
        left,
        entered: counters(&after),
        counted: serde_json::to_string(&after).map_err(unreadable)?,
    })
}

fn counters(counted: &impl Counted) -> Vec<Counter> {
    let counters = counted.counters().into_iter();
    counters
        .map(|(dimension, value)| (dimension, value.to_owned()))
        .collect()
}
