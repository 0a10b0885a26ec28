//! The principal that a token identifies.

use chrono::{DateTime, Utc};
use domain::ids::OrgId;

use crate::identity::roles::{Right, Roles};

/// The principal that a token identifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The person or the program; the actor of its events.
    pub subject: String,
    /// The organization, which bounds every action of the principal.
    pub org: OrgId,
    /// The roles of the principal in the organization.
    pub roles: Roles,
    /// The id of the token, its claim `jti`, which commands are recorded with.
    pub credential: Option<String>,
    /// The time at which the token expires.
    pub expires_at: DateTime<Utc>,
}

/// A principal, independent of the token that it sends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    org: OrgId,
    subject: String,
    /// The kind of the principal.
    pub(crate) kind: OwnerKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OwnerKind {
    /// A person, or a program that sends requests on behalf of one.
    Person,
    /// An agent, which acts for many machines.
    Agent,
}

impl Owner {
    /// Returns the owner of a token.
    pub(crate) fn of(principal: &Principal) -> Self {
        Self {
            org: principal.org.clone(),
            subject: principal.subject.clone(),
            // Of all roles that may report, only agents may give the time of an event.
            kind: if principal.roles.allow(Right::Backdate) {
                OwnerKind::Agent
            } else {
                OwnerKind::Person
            },
        }
    }
}
