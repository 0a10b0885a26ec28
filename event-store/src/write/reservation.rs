//! Uniqueness across streams: names that commit, or are given back, together with the events.

use crate::envelope::StreamId;

/// A name that one stream of an organization may hold at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// What kind of name it is; one of the constants of this type.
    pub scope: &'static str,
    /// The name itself.
    pub key: String,
}

impl Name {
    /// Scope of the names of live droplets.
    pub const DROPLET: &'static str = "droplet_name";

    /// The name of a live droplet.
    #[must_use]
    pub fn droplet(key: impl Into<String>) -> Self {
        Self {
            scope: Self::DROPLET,
            key: key.into(),
        }
    }

    /// A name as the database holds it; `None` when this program does not know its scope.
    pub(crate) fn stored(scope: &str, key: String) -> Option<Self> {
        (scope == Self::DROPLET).then_some(Self {
            scope: Self::DROPLET,
            key,
        })
    }
}

/// A change to who holds a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameChange {
    /// Takes the name for a stream; the append is refused when another holds it.
    Take(Name, StreamId),
    /// Gives the name back, if the stream holds it.
    Release(Name, StreamId),
}

impl NameChange {
    pub(crate) fn name(&self) -> &Name {
        match self {
            Self::Take(name, _) | Self::Release(name, _) => name,
        }
    }

    pub(crate) fn stream(&self) -> StreamId {
        match self {
            Self::Take(_, stream) | Self::Release(_, stream) => *stream,
        }
    }

    pub(crate) fn takes(&self) -> bool {
        match self {
            Self::Take(..) => true,
            Self::Release(..) => false,
        }
    }
}
