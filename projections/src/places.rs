//! The places of reads: how many may run at once, of all organizations and of one. Queries, reads of the log for
//! subscribers, and reads of the platform's state have places of their own.
//!
//! Guarantees:
//! - no more reads run than there are places;
//! - **one organization alone never has more than half of the places**, however many reads it sends or drops. A
//!   single place is everybody's; an organization then waits for one read of each other one at most;
//! - the reads of one organization wait in the order in which they came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::OrgId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of all organizations.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    /// The number of places of one organization.
    each: usize,
    /// The places of organizations that have one, wait for one, or did so recently.
    own: Mutex<HashMap<OrgId, Arc<Semaphore>>>,
}

/// The place of one read, which is free again once this value is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_organization: OwnedSemaphorePermit,
}

impl Places {
    /// Creates this many places, at least one.
    pub(crate) fn new(places: usize) -> Self {
        let places = places.max(1);
        Self {
            all: Arc::new(Semaphore::new(places)),
            each: (places / 2).max(1),
            own: Mutex::default(),
        }
    }

    /// Creates a place for each of so many connections of a pool.
    pub(crate) fn of_connections(connections: u32) -> Self {
        Self::new(usize::try_from(connections).expect("32 bits fit a usize"))
    }

    /// Waits for a place for a read of this organization. Dropping the future leaves the queue.
    pub(crate) async fn take(&self, org: &OrgId) -> Place {
        // In this order, so that reads beyond the share of their organization wait for no place of all.
        let of_organization = permit(self.of(org)).await;
        Place {
            _of_all: permit(Arc::clone(&self.all)).await,
            _of_organization: of_organization,
        }
    }

    fn of(&self, org: &OrgId) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = own.get(org) {
            return Arc::clone(places);
        }
        // A permit and a wait for one refer to their semaphore.
        own.retain(|_, places| Arc::strong_count(places) > 1);
        let places = Arc::new(Semaphore::new(self.each));
        own.insert(org.clone(), Arc::clone(&places));
        places
    }
}

async fn permit(places: Arc<Semaphore>) -> OwnedSemaphorePermit {
    let permit = places.acquire_owned().await;
    permit.expect("nobody closes the places")
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn org(name: &str) -> OrgId {
        OrgId::parse(name).expect("is a name")
    }

    #[tokio::test]
    async fn one_organization_has_its_share_at_most() {
        let (places, greedy, other) = (Places::new(5), org("greedy"), org("other"));
        let taken = [places.take(&greedy).await, places.take(&greedy).await];
        let mut third = Box::pin(places.take(&greedy));
        assert!((&mut third).now_or_never().is_none());
        let others = [places.take(&other).await, places.take(&other).await];
        drop(taken);
        let third = third.await;
        // The places of all bound the organizations together.
        let _more = [places.take(&greedy).await, places.take(&org("last")).await];
        assert!(places.take(&org("late")).now_or_never().is_none());
        drop((third, others));
        assert!(places.take(&org("late")).now_or_never().is_some());
    }

    #[tokio::test]
    async fn one_place_serves_everybody() {
        let places = Places::new(0);
        let held = places.take(&org("a")).await;
        assert!(places.take(&org("b")).now_or_never().is_none());
        drop(held);
        assert!(places.take(&org("b")).now_or_never().is_some());
    }

    #[tokio::test]
    async fn organizations_without_work_are_forgotten() {
        let (places, waits) = (Places::new(4), org("waits"));
        let held = places.take(&org("held")).await;
        let all_of_it = [places.take(&waits).await, places.take(&waits).await];
        let mut waiting = Box::pin(places.take(&waits));
        assert!((&mut waiting).now_or_never().is_none());
        for number in 0..100 {
            drop(places.take(&org(&format!("o-{number}"))).await);
        }
        assert_eq!(places.own.lock().unwrap().len(), 3);
        drop(all_of_it);
        drop((held, waiting.await));
    }
}
