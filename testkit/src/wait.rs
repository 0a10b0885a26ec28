//! Waiting for what will be: tests wait for a condition, never for a time.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a condition may take: much longer than it should on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);
/// How often it is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer, and gives it.
///
/// # Panics
/// When there is none within 90 s, saying `what` was waited for.
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
