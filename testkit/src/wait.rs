//! Waits for a condition. Tests never wait for a time.

use std::future::Future;
use std::time::{Duration, Instant};

/// Deadline of a condition: much longer than it takes on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);
/// Poll interval of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Polls until the probe returns a value, and returns that.
///
/// # Panics
/// When there is none within 90 s; the message contains `what` and the caller.
#[track_caller]
pub fn until<T>(what: &str, probe: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    poll(what.to_owned(), caller, probe)
}

async fn poll<T>(
    what: String,
    caller: &'static std::panic::Location<'static>,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(
            started.elapsed() < DEADLINE,
            "waited {DEADLINE:?} in vain until {what} (at {caller})"
        );
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
