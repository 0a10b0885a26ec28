//! The processor time of this thread, which other processes of the machine do not change.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The thread's processor time so far.
pub(crate) fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("processor time is never negative")
}
