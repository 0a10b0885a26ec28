//! The budget of bytes that the connections of a principal may leave unread, all together.
//!
//! An answer stays in memory until its client has read it. Each answer is bounded
//! ([`crate::graph::answer`]), and so is the time of a connection ([`crate::transport::server`]). The
//! budget bounds all connections of a principal together, so that more connections use no more memory. A
//! request over the budget is rejected, and a stream or a WebSocket is closed, with a reason; the client
//! reconnects. Buffers of the kernel and of a connection do not count: they are bounded for each
//! connection.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;

use crate::graph::answer::MAX_ANSWER_BYTES;
use crate::identity::principal::{Owner, Principal};

/// The budgets of all principals, with the unread bytes of each. Clones share all state.
#[derive(Debug, Clone)]
pub struct SendBudget {
    most: usize,
    held: Arc<Mutex<HashMap<Reader, usize>>>,
}

/// The principal that has not read. All connections without a principal yet count together.
type Reader = Option<Arc<Owner>>;

impl SendBudget {
    /// The default budget of a principal, in bytes.
    pub const DEFAULT_BYTES: usize = 128 * 1024 * 1024;

    /// The minimum budget that may be set, in bytes: an answer of any size, and another one.
    pub const MIN_BYTES: usize = 2 * MAX_ANSWER_BYTES;

    /// Creates an unused budget of this many bytes for each principal.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            held: Arc::default(),
        }
    }

    /// Returns the account that counts the answers for this principal.
    pub(crate) fn of(&self, principal: &Principal) -> Account {
        Account {
            send_budget: self.clone(),
            reader: Some(Arc::new(Owner::of(principal))),
        }
    }

    /// Returns the account that counts the answers for all clients that have not authenticated yet.
    pub(crate) fn of_strangers(&self) -> Account {
        Account {
            send_budget: self.clone(),
            reader: None,
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Reader, usize>> {
        self.held
            .lock()
            .expect("nobody panics while counting bytes")
    }
}

/// The account that counts the unread bytes of a principal.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    send_budget: SendBudget,
    reader: Reader,
}

impl Account {
    /// Counts an answer of this many bytes until the returned value is dropped.
    ///
    /// # Errors
    /// When the answer exceeds the budget.
    pub(crate) fn hold(&self, bytes: usize) -> Result<Held, SendBudgetExceeded> {
        let mut held = self.send_budget.held();
        let before = held.get(&self.reader).copied().unwrap_or_default();
        let after = before.saturating_add(bytes);
        if after > self.send_budget.most {
            metrics::counter!("clustergenie_too_much_unread_total").increment(1);
            return Err(SendBudgetExceeded {
                most: self.send_budget.most,
            });
        }
        held.insert(self.reader.clone(), after);
        Ok(Held {
            account: self.clone(),
            bytes,
        })
    }

    /// Checks that the budget has room for an answer of any size.
    ///
    /// # Errors
    /// When the budget has too little room.
    pub(crate) fn check(&self) -> Result<(), SendBudgetExceeded> {
        self.hold(MAX_ANSWER_BYTES).map(drop)
    }
}

/// An answer that counts as unread.
#[derive(Debug)]
pub(crate) struct Held {
    account: Account,
    bytes: usize,
}

impl Held {
    /// Returns the answer as bytes that count until they are passed to the kernel.
    pub(crate) fn bytes(self, answer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Answer {
            json: answer,
            _held: self,
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.account.send_budget.held();
        if let Entry::Occupied(mut entry) = held.entry(self.account.reader.clone()) {
            *entry.get_mut() -= self.bytes;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// The error for a principal that has left too many bytes unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "your connections have more than {most} bytes of answers that you have not read: read them, or \
     close those connections"
)]
pub(crate) struct SendBudgetExceeded {
    most: usize,
}

struct Answer {
    json: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::ids::OrgId;

    use super::*;
    use crate::identity::roles::Role;

    fn principal(subject: &str) -> Principal {
        Principal {
            subject: subject.to_owned(),
            org: OrgId::parse("acme").unwrap(),
            roles: [Role::Viewer].into_iter().collect(),
            credential: None,
            expires_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn all_connections_of_a_principal_count_together_and_nobody_elses() {
        let unread = SendBudget::new(100);
        let (first, second) = (unread.of(&principal("ada")), unread.of(&principal("ada")));
        let held = first.hold(60).unwrap();
        let other = second.hold(40).unwrap();
        assert_eq!(
            second.hold(1).unwrap_err(),
            SendBudgetExceeded { most: 100 }
        );
        assert!(unread.of(&principal("bob")).hold(100).is_ok());
        assert!(unread.of_strangers().hold(100).is_ok());
        drop(held);
        assert!(second.hold(60).is_ok());
        drop(other);
        assert!(unread.held().is_empty(), "who reads is forgotten");
    }

    #[test]
    fn an_answer_counts_until_all_of_its_bytes_are_dropped() {
        let unread = SendBudget::new(10);
        let account = unread.of(&principal("ada"));
        let bytes = account.hold(10).unwrap().bytes(b"0123456789".to_vec());
        let rest = bytes.slice(5..);
        drop(bytes);
        assert!(account.hold(1).is_err());
        drop(rest);
        assert!(account.hold(10).is_ok());
    }
}
