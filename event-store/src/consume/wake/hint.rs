//! The signals that cross to other processes.

use std::time::Duration;

use super::{HEARTBEAT, Signal, Wake};

/// A signal that crosses to other processes.
#[derive(Clone, Copy, Debug)]
pub enum Hint {
    /// [`Wake::appended`].
    Appended,
    /// [`Wake::sequenced`].
    Sequenced,
    /// [`Wake::applied`].
    Applied,
}

impl Hint {
    pub(super) fn channel(self) -> &'static str {
        match self {
            Self::Appended => "clustergenie_appended",
            Self::Sequenced => "clustergenie_sequenced",
            Self::Applied => "clustergenie_applied",
        }
    }

    /// How often it is sent again when nothing changes. The others need no repetition: who waits for
    /// them polls as well.
    pub(super) fn heartbeat(self) -> Option<Duration> {
        match self {
            Self::Sequenced => Some(HEARTBEAT),
            Self::Appended | Self::Applied => None,
        }
    }

    pub(super) fn signal(self, wake: &Wake) -> &Signal {
        match self {
            Self::Appended => &wake.appended,
            Self::Sequenced => &wake.sequenced,
            Self::Applied => &wake.applied,
        }
    }
}
