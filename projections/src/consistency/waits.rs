//! The number of versions that the requests of each organization wait for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::OrgId;

/// Counts the versions that each organization waits for, up to a maximum; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Waits {
    counts: Arc<Mutex<HashMap<OrgId, usize>>>,
    most: usize,
}

/// A wait for some versions, which are counted until this value is dropped.
#[derive(Debug)]
pub(super) struct Wait {
    waits: Waits,
    org: OrgId,
    versions: usize,
}

impl Waits {
    /// Lets an organization wait for at most so many versions.
    pub(super) fn at_most(most: usize) -> Self {
        Self {
            counts: Arc::default(),
            most,
        }
    }

    /// Counts so many versions more; `None` if the organization would then wait for too many.
    pub(super) fn begin(&self, org: &OrgId, versions: usize) -> Option<Wait> {
        let mut counts = self.counts();
        let count = counts.get(org).copied().unwrap_or_default();
        if versions > self.most - count {
            return None;
        }
        counts.insert(org.clone(), count + versions);
        Some(Wait {
            waits: self.clone(),
            org: org.clone(),
            versions,
        })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<OrgId, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut counts = self.waits.counts();
        if let Some(count) = counts.get_mut(&self.org) {
            *count -= self.versions;
            if *count == 0 {
                counts.remove(&self.org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_organization_has_its_own_number_and_leaves_nothing_behind() {
        let waits = Waits::at_most(3);
        let org = |name| OrgId::parse(name).expect("is an organization");
        let (acme, other) = (org("acme"), org("other"));
        let first = waits.begin(&acme, 2).expect("two of three");
        assert!(waits.begin(&acme, 2).is_none());
        let second = waits.begin(&acme, 1).expect("three of three");
        assert!(waits.begin(&acme, 1).is_none());
        drop(waits.begin(&other, 3).expect("another organization's"));
        drop(first);
        drop(waits.begin(&acme, 2).expect("three again"));
        drop(second);
        assert!(waits.counts().is_empty());
    }
}
