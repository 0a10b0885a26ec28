//! The turns of subscribers that catch up: how many read and send a page at once, of all organizations and of one.
//!
//! A turn begins before a page is read, and ends once all of it was taken. So a bounded number of subscribers uses
//! Postgres and processors for catching up, however many there are. In its turn, each rests for as long as its last
//! page took. A client that reads its page slowly keeps its turn for [`LONGEST`] at most if others wait. A turn does not
//! end while its page is read from Postgres, however long that takes: there are no more such reads than turns.

use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::available_parallelism;
use std::time::Duration;

use domain::ids::OrgId;
use tokio::time::{Instant, sleep};

use crate::places::{Place, Places};

/// The longest time for sending a page, if others wait.
const LONGEST: Duration = Duration::from_millis(200);

/// The turns of a process.
#[derive(Debug)]
pub(super) struct Turns {
    places: Places,
    running: Mutex<Vec<Weak<Running>>>,
}

/// A turn, which ends when this value is dropped, or before if sending lasts too long.
#[derive(Debug)]
pub(super) struct Turn {
    running: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    place: Mutex<Option<Place>>,
    sending_since: OnceLock<Instant>,
}

impl Turn {
    /// Notes that the page was read, and is sent from now on.
    pub(super) fn sends(&self) {
        self.running.sending_since.get_or_init(Instant::now);
    }
}

impl Running {
    fn is_overdue(&self) -> bool {
        let since = self.sending_since.get();
        since.is_some_and(|since| since.elapsed() >= LONGEST)
    }
}

impl Turns {
    /// Allows a turn at once for each of so many connections, but no more than there are processors. So those of one
    /// organization keep half of the processors busy at most.
    pub(super) fn at_once(connections: u32) -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        let processors = u32::try_from(processors).unwrap_or(u32::MAX);
        Self {
            places: Places::of_connections(connections.min(processors)),
            running: Mutex::default(),
        }
    }

    /// Waits for a turn of an organization. Dropping the future leaves the queue.
    pub(super) async fn begin(&self, org: &OrgId) -> Turn {
        let place = {
            let mut place = std::pin::pin!(self.places.take(org));
            loop {
                tokio::select! {
                    biased;
                    place = &mut place => break place,
                    () = sleep(LONGEST / 4) => self.end_overdue(),
                }
            }
        };
        let running = Arc::new(Running {
            place: Mutex::new(Some(place)),
            sending_since: OnceLock::new(),
        });
        self.running().push(Arc::downgrade(&running));
        Turn { running }
    }

    /// Gives the places of turns that last too long to others.
    fn end_overdue(&self) {
        let mut ended = Vec::new();
        self.running().retain(|running| match running.upgrade() {
            Some(running) if running.is_overdue() => {
                ended.push(running);
                false
            }
            Some(_) => true,
            None => false,
        });
        for running in ended {
            let mut place = running.place.lock().unwrap_or_else(PoisonError::into_inner);
            *place = None;
        }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Weak<Running>>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|one| one.strong_count() > 0);
        running
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_lasts_too_long_ends_if_others_wait() {
        let (turns, org) = (Turns::at_once(1), OrgId::parse("acme").expect("is a name"));
        let slow = turns.begin(&org).await;
        let mut next = Box::pin(turns.begin(&org));
        let reads = timeout(10 * LONGEST, &mut next).await;
        assert!(reads.is_err(), "a page that is read keeps its turn");
        slow.sends();
        let begun = Instant::now();
        let next = next.await;
        assert!(begun.elapsed() >= LONGEST);
        // The first one has given its place away already.
        drop(slow);
        assert!(turns.begin(&org).now_or_never().is_none());
        drop(next);
        assert!(turns.begin(&org).now_or_never().is_some());
        assert!(turns.running().is_empty());
    }
}
