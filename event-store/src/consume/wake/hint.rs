//! The signals that are sent to other processes.

use std::time::Duration;

use super::{HEARTBEAT, Signal, Wake};

/// A signal that is sent to other processes.
#[derive(Clone, Copy, Debug)]
pub enum Hint {
    /// The hint of [`Wake::appended`].
    Appended,
    /// The hint of [`Wake::sequenced`].
    Sequenced,
    /// The hint of [`Wake::applied`].
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

    /// Returns the interval at which the hint is repeated if nothing changes. `None` for hints without a
    /// repetition: the tasks that wait for them poll as well.
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
