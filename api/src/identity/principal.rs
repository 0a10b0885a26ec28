//! Whom a token speaks for.

use chrono::{DateTime, Utc};
use domain::ids::OrgId;

use crate::identity::roles::{Right, Roles};

/// Whoever a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// A person or a program; the actor of its events.
    pub subject: String,
    /// The organization, which bounds everything.
    pub org: OrgId,
    /// What it may do there.
    pub roles: Roles,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
}

/// A principal, whichever of its tokens it shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    org: OrgId,
    subject: String,
    /// Whether it speaks for machines.
    pub(crate) kind: OwnerKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OwnerKind {
    /// A person, or a program that asks on behalf of one.
    Person,
    /// An agent, which speaks for many machines.
    Agent,
}

impl Owner {
    /// Who is behind a token.
    pub(crate) fn of(principal: &Principal) -> Self {
        Self {
            org: principal.org.clone(),
            subject: principal.subject.clone(),
            // Of all who may report only agents may say when something happened.
            kind: if principal.roles.allow(Right::Backdate) {
                OwnerKind::Agent
            } else {
                OwnerKind::Person
            },
        }
    }
}
