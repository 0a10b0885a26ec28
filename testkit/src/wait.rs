//! Waits for a condition. Tests never wait for a fixed time.

use std::future::Future;
use std::time::{Duration, Instant};

/// Deadline of a condition: much longer than any condition takes on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);
/// Poll interval of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Polls the probe until it returns a value, and returns that value.
///
/// # Panics
/// When there is no value within 90 s; the message contains `what` and the caller.
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
