//! Shares of principals and organizations in a process: what they may have at once of subscriptions, waits, WebSockets and
//! requests.
//!
//! Each process counts for itself. That is enough, because what processes share is the database, and each process
//! uses a bounded part of it: its pools. So no principal needs to be counted across processes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use domain::ids::OrgId;

use crate::identity::principal::{Owner, Principal};

/// A maximum for a principal, and one for an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// The maximum of a principal, whatever number of tokens it has.
    pub principal: usize,
    /// The maximum of all principals of an organization together.
    pub organization: usize,
}

/// The shares of everything that is counted. Clones share all state.
#[derive(Debug, Clone)]
pub struct Shares {
    /// Subscriptions that run.
    pub subscriptions: Share,
    /// Fields that wait until the write of a consistency token is shown.
    pub waits: Share,
    /// WebSockets that have logged in.
    pub websockets: Share,
    /// Requests that run: over HTTP with streams of events, over WebSockets without subscriptions.
    pub requests: Share,
}

impl Default for Shares {
    fn default() -> Self {
        let most = |principal, organization| Most {
            principal,
            organization,
        };
        Self {
            subscriptions: Share::new("subscriptions", "subscriptions", most(1_000, 10_000)),
            waits: Share::new("waits", "reads that wait for a write", most(250, 1_000)),
            // A quarter of a process's connections for one organization.
            websockets: Share::new("websockets", "WebSockets", most(500, 5_000)),
            requests: Share::new("requests", "requests in progress", most(500, 5_000)),
        }
    }
}

/// Counts something of every principal and organization. Clones share all state.
#[derive(Debug, Clone)]
pub struct Share {
    label: &'static str,
    noun: &'static str,
    most: Most,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    principals: HashMap<Arc<Owner>, usize>,
    organizations: HashMap<OrgId, usize>,
}

/// A counted thing, until this value is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    share: Share,
    principal: Arc<Owner>,
    org: OrgId,
}

/// The error for a principal or an organization that has as many as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{whose} {most} {noun} at once, which is the most: end some, or try again later")]
pub(crate) struct ShareExceeded {
    whose: &'static str,
    most: usize,
    noun: &'static str,
}

impl Share {
    fn new(label: &'static str, noun: &'static str, most: Most) -> Self {
        Self {
            label,
            noun,
            most,
            held: Arc::default(),
        }
    }

    /// Returns an unused share of the same thing with another maximum.
    #[must_use]
    pub fn with(&self, most: Most) -> Self {
        Self::new(self.label, self.noun, most)
    }

    /// Counts one more of the principal.
    ///
    /// # Errors
    /// When the principal or its organization has as many as it may have.
    pub(crate) fn take(&self, principal: &Principal) -> Result<Taken, ShareExceeded> {
        let owner = Arc::new(Owner::of(principal));
        let Most {
            principal: of_principal,
            organization: of_organization,
        } = self.most;
        let mut held = self.held();
        if count(&held.principals, &owner) >= of_principal {
            return Err(self.exceeded("principal", "you have", of_principal));
        }
        if count(&held.organizations, &principal.org) >= of_organization {
            return Err(self.exceeded("organization", "your organization has", of_organization));
        }
        *held.principals.entry(Arc::clone(&owner)).or_default() += 1;
        *held.organizations.entry(principal.org.clone()).or_default() += 1;
        Ok(Taken {
            share: self.clone(),
            principal: owner,
            org: principal.org.clone(),
        })
    }

    fn exceeded(&self, of: &'static str, whose: &'static str, most: usize) -> ShareExceeded {
        metrics::counter!("clustergenie_shares_exceeded_total", "what" => self.label, "of" => of)
            .increment(1);
        ShareExceeded {
            whose,
            most,
            noun: self.noun,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("nobody panics while counting")
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut held = self.share.held();
        give_back(&mut held.principals, Arc::clone(&self.principal));
        give_back(&mut held.organizations, self.org.clone());
    }
}

fn count<Holder: Eq + Hash>(held: &HashMap<Holder, usize>, of: &Holder) -> usize {
    held.get(of).copied().unwrap_or_default()
}

/// Counts one less. A holder of nothing is forgotten.
fn give_back<Holder: Eq + Hash>(held: &mut HashMap<Holder, usize>, of: Holder) {
    if let Entry::Occupied(mut entry) = held.entry(of) {
        *entry.get_mut() -= 1;
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::identity::roles::Role;

    fn principal(org: &str, subject: &str) -> Principal {
        Principal {
            subject: subject.to_owned(),
            org: OrgId::parse(org).unwrap(),
            roles: [Role::Viewer].into_iter().collect(),
            credential: None,
            expires_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn principals_and_organizations_have_a_share_each_and_leave_nothing_behind() {
        let share = Shares::default().subscriptions.with(Most {
            principal: 2,
            organization: 3,
        });
        let (ada, bob) = (principal("acme", "ada"), principal("acme", "bob"));
        let mut taken = vec![share.take(&ada).unwrap(), share.take(&ada).unwrap()];
        let refused = share.take(&ada).unwrap_err().to_string();
        assert!(
            refused.starts_with("you have 2 subscriptions at once"),
            "{refused}"
        );
        taken.push(share.take(&bob).unwrap());
        let refused = share.take(&bob).unwrap_err().to_string();
        assert!(
            refused.starts_with("your organization has 3 subscriptions"),
            "{refused}"
        );
        taken.push(share.take(&principal("other", "ada")).unwrap());
        drop(taken.remove(0));
        taken.push(share.take(&bob).unwrap());
        drop(taken);
        let held = share.held();
        assert!(held.principals.is_empty() && held.organizations.is_empty());
    }
}
