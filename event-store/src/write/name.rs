//! Changes to the holders of unique names, which commit together with the events.

use domain::unique_name::UniqueName;

use crate::envelope::StreamId;

/// A change to the holder of a name. A command has at most one for each name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameChange {
    /// The stream takes the name; the append is rejected if any stream holds it.
    Take(UniqueName, StreamId),
    /// The stream releases the name, if it holds it.
    Release(UniqueName, StreamId),
    /// A stream releases the name and another one takes it, both in this command; rejected if a third one
    /// holds it.
    HandOver {
        /// The name.
        name: UniqueName,
        /// The holder before the command.
        from: StreamId,
        /// The holder after the command.
        to: StreamId,
    },
}

impl NameChange {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &UniqueName {
        match self {
            Self::Take(name, _) | Self::Release(name, _) | Self::HandOver { name, .. } => name,
        }
    }

    /// Returns the only stream that may hold the name before the command.
    pub(crate) fn held_by(&self) -> Option<StreamId> {
        match self {
            Self::Take(..) => None,
            Self::Release(_, stream) | Self::HandOver { from: stream, .. } => Some(*stream),
        }
    }

    /// Returns the stream that holds the name after the command.
    #[must_use]
    pub fn taken_by(&self) -> Option<StreamId> {
        match self {
            Self::Release(..) => None,
            Self::Take(_, stream) | Self::HandOver { to: stream, .. } => Some(*stream),
        }
    }
}
