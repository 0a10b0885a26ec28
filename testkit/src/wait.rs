//! Waiting for what will be: tests wait for a condition, never for a time.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a condition may take: much longer than it should on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer, and gives it.
///
/// # Panics
/// When there is none within 30 s, saying `what` was waited for.
#[track_caller]
pub fn until<T, F>(what: &str, probe: impl FnMut() -> F) -> impl Future<Output = T>
where
    F: Future<Output = Option<T>>,
{
    let caller = std::panic::Location::caller();
    poll(what.to_owned(), caller, probe)
}

async fn poll<T, F>(
    what: String,
    caller: &'static std::panic::Location<'static>,
    mut probe: impl FnMut() -> F,
) -> T
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(
            started.elapsed() < DEADLINE,
            "waited {DEADLINE:?} in vain until {what} (at {caller})"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
