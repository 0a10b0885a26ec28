//! The last known states of streams, in this process.
//!
//! The cache is bounded, and may be stale. An append always names the version that was decided on, so a
//! stale entry costs a conflict. A stale entry must never lead to a rejection; see
//! [`crate::streams`].
//!
//! A version names a state in one incarnation of the log only. After a restore or a failover, another state can have
//! it, and an append would not conflict. So there is a cache for each incarnation ([`Memory`]), and an append names the
//! incarnation of the cache that it was decided on. A command that began in an earlier incarnation keeps that cache,
//! which nobody else sees, until its append fails.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard};

use domain::ids::OrgId;
use domain::registry::Registered;
use event_store::envelope::{StreamId, Version};
use event_store::incarnation::IncarnationId;
use lru::LruCache;

use crate::any_state::{AnyState, downcast};

/// The most streams in the cache; at about half a kilobyte each, 10 MiB.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(20_000).expect("it is not zero");

/// The cache of the incarnation that commands are decided in.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    current: Mutex<Option<(IncarnationId, Arc<Cache>)>>,
}

impl Memory {
    /// Returns the cache of an incarnation, empty if the last one that was asked for is another.
    pub(crate) fn of(&self, incarnation: IncarnationId) -> Arc<Cache> {
        let mut current = self.current.lock().expect("no holder panics");
        match &*current {
            Some((of, cache)) if *of == incarnation => Arc::clone(cache),
            Some(_) | None => {
                let cache = Arc::new(Cache::new());
                *current = Some((incarnation, Arc::clone(&cache)));
                cache
            }
        }
    }
}

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
    fn another_incarnation_remembers_nothing_and_learns_nothing_from_the_one_before() {
        let memory = Memory::default();
        let [before, after] = [1, 2].map(|n| IncarnationId(Uuid::from_u128(n)));
        let put = |cache: &Cache| {
            let droplet = Arc::new(Droplet::Failed);
            cache.put(&org("acme"), stream(), Version(1), droplet);
        };
        let knows = |cache: &Cache| cache.get::<Droplet>(&org("acme"), stream()).is_some();
        let old = memory.of(before);
        put(&old);
        assert!(knows(&memory.of(before)));
        assert!(!knows(&memory.of(after)));
        // A command of the incarnation before ends late.
        put(&old);
        assert!(!knows(&memory.of(after)));
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
