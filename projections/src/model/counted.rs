//! What streams are counted by: declared beside the model of their rows, counted by
//! [`counts`](crate::counts).

use event_store::consume::consumer::ApplyError;
use event_store::envelope::Recorded;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fold::UnexpectedEvent;

/// What something is counted by, such as `droplet_status`. Its name is stored, and belongs to one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dimension(pub &'static str);

/// What a stream is counted as: the little that has to be known of it to count it.
pub trait Counted: Serialize + DeserializeOwned {
    /// What the stream is counted as after the event. `before` is what it was counted as, if there was an
    /// event before. The event is the next one of the stream: whoever calls has checked it.
    ///
    /// # Errors
    /// When the event cannot have come next. The stream is then parked in `counts`.
    fn fold(before: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent>;

    /// The counters that the stream adds one to.
    fn counters(&self) -> Vec<(Dimension, &str)>;
}

/// How streams are counted, without the type of what they are counted as.
#[derive(Debug, Clone, Copy)]
pub struct Counting {
    step: fn(Option<&str>, &Recorded) -> Result<Step, ApplyError>,
}

/// What an event changes.
#[derive(Debug)]
pub(crate) struct Step {
    /// What the stream is counted as after the event, as JSON: to be kept.
    pub(crate) counted: String,
    /// The counters that lose one.
    pub(crate) left: Vec<Counter>,
    /// The counters that gain one.
    pub(crate) entered: Vec<Counter>,
}

/// A counter of an organization: a dimension and a value.
pub(crate) type Counter = (Dimension, String);

impl Counting {
    /// Streams are counted as `C`.
    #[must_use]
    pub const fn of<C: Counted>() -> Self {
        Self { step: step::<C> }
    }

    /// What an event changes; `before` is what the step before it kept.
    ///
    /// # Errors
    /// When the event, or what was kept, makes no sense.
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
