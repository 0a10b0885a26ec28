//! The last known states of streams, in this process.
//!
//! The cache is bounded, and may be stale. An append always names the version that was decided on, so a
//! stale entry costs a conflict. A stale entry must never lead to a rejection; see
//! [`crate::streams`].

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard};

use domain::ids::OrgId;
use domain::registry::Registered;
use event_store::envelope::{StreamId, Version};
use lru::LruCache;

use crate::any_state::{AnyState, downcast};

/// The most streams in the cache; at about half a kilobyte each, 10 MiB.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(20_000).expect("it is not zero");

/// The states of streams, the least recently used of which is dropped first.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: Mutex<LruCache<StreamId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    org: OrgId,
    version: Version,
    state: Arc<dyn AnyState>,
}

impl Cache {
    /// Returns an empty cache.
    pub(crate) fn new() -> Self {
        Self {
            entries: Mutex::new(LruCache::new(CAPACITY)),
        }
    }

    /// Returns the cached state and version of a stream of this organization.
    pub(crate) fn get<D: Registered>(&self, org: &OrgId, stream: StreamId) -> Option<(D, Version)> {
        let mut entries = self.entries();
        let entry = entries.get(&stream).filter(|entry| entry.org == *org)?;
        Some((downcast::<D>(entry.state.as_ref())?.clone(), entry.version))
    }

    /// Caches a committed state, but never in place of a newer one.
    pub(crate) fn put(
        &self,
        org: &OrgId,
        stream: StreamId,
        version: Version,
        state: Arc<dyn AnyState>,
    ) {
        let mut entries = self.entries();
        if entries
            .peek(&stream)
            .is_none_or(|known| known.version < version)
        {
            let org = org.clone();
            entries.put(
                stream,
                Entry {
                    org,
                    version,
                    state,
                },
            );
        }
    }

    /// Removes a stream from the cache.
    pub(crate) fn forget(&self, stream: StreamId) {
        self.entries().pop(&stream);
    }

    fn entries(&self) -> MutexGuard<'_, LruCache<StreamId, Entry>> {
        self.entries
            .lock()
            .expect("nobody panics while holding the cache")
    }
}

#[cfg(test)]
mod tests {
    use domain::droplet::Droplet;
    use domain::ids::DropletId;
    use domain::job::Job;
    use uuid::Uuid;

    use super::*;

    fn org(name: &str) -> OrgId {
        OrgId::parse(name).expect("a good name")
    }

    fn stream() -> StreamId {
        DropletId::new(Uuid::from_u128(1)).into()
    }

    #[test]
    fn a_newer_state_is_not_replaced_by_an_older_one() {
        let cache = Cache::new();
        cache.put(
            &org("acme"),
            stream(),
            Version(2),
            Arc::new(Droplet::Deleted),
        );
        cache.put(
            &org("acme"),
            stream(),
            Version(1),
            Arc::new(Droplet::Failed),
        );
        let known = cache.get::<Droplet>(&org("acme"), stream());
        assert_eq!(known, Some((Droplet::Deleted, Version(2))));
    }

    #[test]
    fn an_entry_of_another_organization_or_aggregate_looks_absent() {
        let cache = Cache::new();
        cache.put(
            &org("acme"),
            stream(),
            Version(1),
            Arc::new(Droplet::Failed),
        );
        assert_eq!(cache.get::<Droplet>(&org("other"), stream()), None);
        assert_eq!(cache.get::<Job>(&org("acme"), stream()), None);
    }

    #[test]
    fn what_is_forgotten_is_gone() {
        let cache = Cache::new();
        cache.put(
            &org("acme"),
            stream(),
            Version(1),
            Arc::new(Droplet::Failed),
        );
        cache.forget(stream());
        assert_eq!(cache.get::<Droplet>(&org("acme"), stream()), None);
    }
}
