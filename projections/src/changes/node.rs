//! The rows of streams as of their events.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use domain::ids::OrgId;
use event_store::envelope::{Positioned, StoredEvent, StreamId, Version};
use event_store::error::StoreError;
use event_store::incarnation::IncarnationId;
use event_store::log::parts::{self, Part};
use futures_util::TryStreamExt;
use sqlx::PgPool;
use sqlx::postgres::PgRow;

use super::Change;
use super::remembered::{Memory, Remembered};
use crate::model::{LiveFold, LiveRow};
use crate::reader::Sessions;
use crate::{live_state, registry};

/// Folds events into nodes, remembering the streams it met last.
///
/// The earlier events of streams that are not remembered are read up to the versions that are wanted, for all events
/// of a page by one statement, and folded as they come. A stream that was forgotten is read again from its first
/// event.
#[derive(Debug)]
pub(super) struct Nodes {
    source: Source,
    remembered: Remembered<Known>,
}

/// The connections that read streams.
#[derive(Debug)]
pub(super) enum Source {
    /// Connections that see all organizations.
    All(PgPool),
    /// Sessions of one organization, which see no other.
    One(Sessions, OrgId),
}

/// The events of a page, of which a part was folded.
#[derive(Debug)]
struct Folding {
    incarnation: IncarnationId,
    events: VecDeque<Arc<Positioned<StoredEvent>>>,
    states: HashMap<StreamId, State>,
    changes: Vec<Change>,
}

/// The state of a stream, and the most bytes that one of its events has.
#[derive(Clone, Debug, Default)]
struct State {
    known: Option<Known>,
    data: usize,
}

#[derive(Debug, Clone)]
enum Known {
    At(LiveRow),
    /// The event of this version does not decode or makes no sense, so that no later node can be
    /// known.
    Broken(Version),
}

impl Nodes {
    /// Creates nodes that remember no stream, and use a share of the memory.
    pub(super) fn new(source: Source, memory: &Arc<Memory>) -> Self {
        Self {
            source,
            remembered: Remembered::in_memory(memory),
        }
    }

    /// Returns the changes that the next events of this incarnation of the log make, in order. All events that are
    /// handed in are of one incarnation.
    ///
    /// # Errors
    /// [`StoreError::OtherIncarnation`], and when Postgres fails. An event that does not decode or makes no sense gives
    /// a change without a node. So does an event of a stream that no model holds rows of, such as one whose type only
    /// a newer program knows.
    pub(super) async fn changes(
        &mut self,
        incarnation: IncarnationId,
        events: Vec<Arc<Positioned<StoredEvent>>>,
    ) -> Result<Vec<Change>, StoreError> {
        // Apart from what is remembered, so that a page of many streams forgets none of its own.
        let mut states = HashMap::new();
        for event in &events {
            let stream = event.event.stream;
            states.entry(stream).or_insert_with(|| self.recall(stream));
        }
        let (parts, wanted_by) = missing(&events, &states);
        let begun = || Folding {
            incarnation,
            events: events.iter().cloned().collect(),
            states: states.clone(),
            changes: Vec::with_capacity(events.len()),
        };
        let mut folding = if parts.is_empty() {
            begun()
        } else {
            let read = self.source.fold(incarnation, &parts, &wanted_by, begun);
            let read = read.await;
            read.map_err(StoreError::asking("reading streams"))?
        };
        folding.up_to(usize::MAX);
        let Folding {
            changes,
            mut states,
            ..
        } = folding;
        for change in &changes {
            let stream = change.event.event.stream;
            if let Some(State { known, data }) = states.remove(&stream)
                && let Some(known) = known
            {
                self.remembered.put(stream, known, data);
            }
        }
        Ok(changes)
    }

    fn recall(&mut self, stream: StreamId) -> State {
        let recalled = self.remembered.take(stream);
        let (known, data) = recalled.map_or((None, 0), |(known, data)| (Some(known), data));
        State { known, data }
    }
}

impl Source {
    /// Reads parts of streams and folds each event before the event of the page that wants its part.
    async fn fold(
        &self,
        incarnation: IncarnationId,
        parts: &[Part],
        wanted_by: &[usize],
        begun: impl Fn() -> Folding,
    ) -> Result<Folding, sqlx::Error> {
        let query = parts::query(incarnation, parts);
        let take = |folding: &mut Folding, row: &PgRow| {
            let (part, event) = parts::part(row)?;
            folding.up_to(wanted_by[part]);
            folding.before_next(&event);
            Ok(())
        };
        match self {
            Self::All(pool) => {
                let mut folding = begun();
                let mut rows = query.fetch(pool);
                while let Some(row) = rows.try_next().await? {
                    take(&mut folding, &row)?;
                }
                Ok(folding)
            }
            Self::One(sessions, org) => sessions.fold(org, &query.try_into()?, begun, take).await,
        }
    }
}

impl Folding {
    /// Folds the events of the page before the one with this index.
    fn up_to(&mut self, index: usize) {
        while self.changes.len() < index
            && let Some(event) = self.events.pop_front()
        {
            let change = self.change(event);
            self.changes.push(change);
        }
    }

    /// Folds an earlier event of the stream of the next event.
    fn before_next(&mut self, event: &StoredEvent) {
        if let Some(fold) = registry::live_fold(event.stream.stream_type) {
            self.states
                .entry(event.stream)
                .or_default()
                .fold(fold, event);
        }
    }

    /// Folds an event of the page.
    fn change(&mut self, event: Arc<Positioned<StoredEvent>>) -> Change {
        let stream = event.event.stream;
        let Some(fold) = registry::live_fold(stream.stream_type) else {
            return without_node(event, self.incarnation);
        };
        let state = self.states.entry(stream).or_default();
        match state.fold(fold, &event.event) {
            Some(node) => Change {
                event,
                node: Some(node),
                incarnation: self.incarnation,
            },
            None => without_node(event, self.incarnation),
        }
    }
}

impl State {
    /// Returns the version up to which the state is known for this event. Forgets what is later than the event.
    fn reached(&self, event: &StoredEvent) -> Version {
        match &self.known {
            Some(Known::At(node)) if node.version() < event.version => node.version(),
            // Nothing more can be known.
            Some(Known::Broken(at)) if *at <= event.version => event.version,
            Some(Known::At(_) | Known::Broken(_)) | None => Version::NONE,
        }
    }

    /// Folds an event; returns the node as of the event.
    fn fold(&mut self, fold: LiveFold, event: &StoredEvent) -> Option<LiveRow> {
        let before = match self.known.take() {
            Some(Known::Broken(at)) if at <= event.version => {
                self.known = Some(Known::Broken(at));
                return None;
            }
            Some(Known::At(node)) if node.version() < event.version => Some(node),
            Some(Known::At(_) | Known::Broken(_)) | None => {
                self.data = 0;
                None
            }
        };
        self.data = self.data.max(event.data.len());
        let known = after(fold, before, event);
        let node = match &known {
            Known::At(node) => Some(node.clone()),
            Known::Broken(_) => None,
        };
        self.known = Some(known);
        node
    }
}

/// Returns the parts of streams that must be folded before these events, and for each the index of its event.
fn missing(
    events: &[Arc<Positioned<StoredEvent>>],
    states: &HashMap<StreamId, State>,
) -> (Vec<Part>, Vec<usize>) {
    let mut reached = HashMap::new();
    let (mut parts, mut wanted_by) = (Vec::new(), Vec::new());
    for (index, event) in events.iter().enumerate() {
        let event = &event.event;
        if registry::live_fold(event.stream.stream_type).is_none() {
            continue;
        }
        let known = || states.get(&event.stream).map(|state| state.reached(event));
        let after = reached.insert(event.stream, event.version);
        let after = after.or_else(known).unwrap_or(Version::NONE);
        let up_to = Version(event.version.0 - 1);
        if after < up_to {
            parts.push(Part {
                stream: event.stream,
                after,
                up_to,
            });
            wanted_by.push(index);
        }
    }
    (parts, wanted_by)
}

fn after(fold: LiveFold, before: Option<LiveRow>, event: &StoredEvent) -> Known {
    let decoded = match live_state::decode(std::slice::from_ref(event)) {
        Ok(mut decoded) => decoded.remove(0),
        Err(error) => return broken(event, &error),
    };
    match fold(before, &decoded) {
        Ok(node) if node.version() == event.version => Known::At(node),
        Ok(_) => Known::Broken(event.version),
        Err(senseless) => broken(event, &senseless),
    }
}

fn without_node(event: Arc<Positioned<StoredEvent>>, incarnation: IncarnationId) -> Change {
    let is_known = event.event.stream.stream_type.info().is_some();
    // Only a newer program knows what another stream is.
    if is_known {
        metrics::counter!("clustergenie_changes_without_node_total").increment(1);
    }
    Change {
        event,
        node: None,
        incarnation,
    }
}

fn broken(event: &StoredEvent, error: &(dyn std::error::Error + 'static)) -> Known {
    tracing::error!(
        stream.id = %event.stream,
        version = event.version.0,
        error,
        "subscribers get the events of this stream without its node"
    );
    Known::Broken(event.version)
}
