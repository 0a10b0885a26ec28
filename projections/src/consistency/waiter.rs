//! A request that waits, and the versions that it needs.

use std::collections::{BTreeMap, HashMap};

use domain::ids::OrgId;
use event_store::consume::applied::{Progress, Wanted};
use event_store::envelope::{Position, StreamId, Version};
use event_store::incarnation::{IncarnationId, Lineage, Lost};
use tokio::sync::oneshot;

use super::{ReadModels, Write};
use crate::page::LogCursor;

/// A request that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) org: OrgId,
    pub(super) needs: Vec<Need>,
    pub(super) reply: oneshot::Sender<Result<LogCursor, NeverShown>>,
}

/// A version of a stream, and the place where it must be found.
#[derive(Debug)]
pub(super) struct Need {
    incarnation: Option<IncarnationId>,
    stream: StreamId,
    version: Version,
    place: Place,
}

/// The place where a version must be found.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Any place: it is enough that the stream exists.
    Anywhere,
    /// The log: the version has a position.
    Log,
    /// The read model that this projection writes.
    ReadModel(&'static str),
}

/// The reason why a version is not shown, however long the request waits.
#[derive(Debug)]
pub(super) enum NeverShown {
    /// The organization has no such stream, or the version cannot come within the wait.
    UnknownStream,
    /// A read model has parked the stream.
    Parked,
    /// The log lost the version.
    Lost(Lost),
}

/// Returns what must be found for these versions to be shown by the read models, or in the log if there are none.
/// Of a stream that is named several times in an incarnation, the highest version counts.
pub(super) fn needs(writes: impl IntoIterator<Item = Write>, by: ReadModels<'_>) -> Vec<Need> {
    let mut highest = BTreeMap::<(StreamId, Option<IncarnationId>), Version>::new();
    for write in writes {
        let known = highest
            .entry((write.stream, write.incarnation))
            .or_default();
        *known = (*known).max(write.version);
    }
    let needs = highest
        .into_iter()
        .flat_map(|((stream, incarnation), version)| {
            let concerned = by
                .iter()
                .filter(move |model| model.stream_types().contains(&stream.stream_type))
                .map(|model| Place::ReadModel(model.name()));
            let least = if by.is_empty() {
                Place::Log
            } else {
                Place::Anywhere
            };
            std::iter::once(least)
                .chain(concerned)
                .map(move |place| Need {
                    incarnation,
                    stream,
                    version,
                    place,
                })
        });
    needs.collect()
}

impl Waiter {
    /// True if a position is enough.
    pub(super) fn is_for_log(&self) -> bool {
        !self
            .needs
            .iter()
            .any(|need| matches!(need.place, Place::ReadModel(_)))
    }

    /// Returns what has to be looked up. Waiters that need the same share it.
    pub(super) fn wanted(&self) -> impl Iterator<Item = Wanted<'_>> {
        self.needs.iter().map(|need| need.wanted(&self.org))
    }

    /// Returns the incarnations of the log that the versions were written in.
    pub(super) fn incarnations(&self) -> impl Iterator<Item = Option<IncarnationId>> {
        self.needs.iter().map(|need| need.incarnation)
    }

    /// Returns the answer to the request; `None` unless everything that it needs was found, in the current one of these
    /// incarnations. `ahead` is the number of versions that a stream can grow by within a wait.
    pub(super) fn answer(
        &self,
        found: &HashMap<Wanted<'_>, Progress>,
        lineage: &Lineage,
        ahead: i64,
    ) -> Option<Result<LogCursor, NeverShown>> {
        let (mut last, mut all) = (Position::START, true);
        for need in &self.needs {
            // What was not looked up yet is looked up next.
            let progress = found.get(&need.wanted(&self.org))?;
            let Some(stored) = progress.stored else {
                return Some(Err(NeverShown::UnknownStream));
            };
            // The log may have given the version to another event since.
            let lost = match lineage.last_kept(need.incarnation) {
                Ok(None) => None,
                Ok(Some(last)) if progress.seq.is_some_and(|seq| seq <= last) => None,
                Ok(Some(_)) => Some(Lost::BeyondFork {
                    fork: lineage.current().fork,
                }),
                Err(lost) => Some(lost),
            };
            if let Some(lost) = lost {
                return Some(Err(NeverShown::Lost(lost)));
            }
            if need.version.0.saturating_sub(stored.0) > ahead {
                return Some(Err(NeverShown::UnknownStream));
            }
            if progress.is_parked {
                return Some(Err(NeverShown::Parked));
            }
            last = last.max(progress.position.unwrap_or_default());
            all &= match need.place {
                Place::Anywhere => true,
                Place::Log => progress.position.is_some(),
                Place::ReadModel(_) => progress.is_applied,
            };
        }
        all.then_some(Ok(LogCursor {
            position: last,
            incarnation: Some(lineage.current().id),
        }))
    }
}

impl Need {
    fn wanted<'waiter>(&self, org: &'waiter OrgId) -> Wanted<'waiter> {
        Wanted {
            org,
            stream: self.stream,
            version: self.version,
            consumer: match self.place {
                Place::ReadModel(consumer) => Some(consumer),
                Place::Anywhere | Place::Log => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::DropletId;
    use uuid::Uuid;

    use super::*;
    use crate::droplets::Droplets;
    use crate::model::Rows;

    #[test]
    fn a_stream_is_needed_once_at_its_highest_version() {
        let stream = StreamId::from(DropletId::new(Uuid::from_u128(7)));
        let named: Vec<_> = [1, 3, 2, 3]
            .map(|version| (stream, Version(version)))
            .into();
        let needed = |by: ReadModels<'_>| -> Vec<_> {
            let named = named.iter().map(|write| Write::from(*write));
            let needs = needs(named, by).into_iter();
            needs.map(|need| need.version).collect()
        };
        assert_eq!(needed(&[]), [Version(3)]);
        // That it exists, and that the read model shows it.
        assert_eq!(needed(&[&Rows(Droplets)]), [Version(3), Version(3)]);
    }
}
