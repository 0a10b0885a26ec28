//! The rights of each role, in one table.
//!
//! A token can carry several roles; its rights are the union of their rights. Rules about state ("a
//! protected droplet is not deleted") belong to the domain and never here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The role of a principal in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Has every right that people may have.
    Admin,
    /// Runs droplets, jobs and clusters.
    Operator,
    /// Reads and follows resources.
    Viewer,
    /// Reads and follows resources and the whole history.
    Auditor,
    /// Evaluates read models.
    Analyst,
    /// An outside program that creates machines or runs jobs, and reports its actions.
    Agent,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] = [
        Self::Admin,
        Self::Operator,
        Self::Viewer,
        Self::Auditor,
        Self::Analyst,
        Self::Agent,
    ];

    /// Returns the name in tokens, such as `operator`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::Analyst => "analyst",
            Self::Agent => "agent",
        }
    }

    /// Returns the role of that name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// A right that a field needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Permits queries of read models and the catalogue.
    Query,
    /// Permits subscriptions to resources.
    Subscribe,
    /// Permits reading and following the history of everything.
    History,
    /// Permits reading recorded commands, also those that were refused.
    CommandRecords,
    /// Permits requesting, changing and ending resources.
    Command,
    /// Permits reporting the actions of a provisioner or a runner.
    Report,
    /// Permits giving the time of an event, instead of the platform.
    Backdate,
    /// Permits viewing, retrying and skipping the parked streams of read models, and pausing and rebuilding
    /// read models.
    Operate,
}

impl Right {
    /// Returns the name of the right in records of denied commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "QUERY",
            Self::Subscribe => "SUBSCRIBE",
            Self::History => "HISTORY",
            Self::CommandRecords => "COMMAND_RECORDS",
            Self::Command => "COMMAND",
            Self::Report => "REPORT",
            Self::Backdate => "BACKDATE",
            Self::Operate => "OPERATE",
        }
    }

    /// All rights.
    pub const ALL: [Self; 8] = [
        Self::Query,
        Self::Subscribe,
        Self::History,
        Self::CommandRecords,
        Self::Command,
        Self::Report,
        Self::Backdate,
        Self::Operate,
    ];

    /// Returns the roles that have this right: the table.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Query => &Role::ALL,
            Self::Subscribe => &[
                Role::Admin,
                Role::Operator,
                Role::Viewer,
                Role::Auditor,
                Role::Agent,
            ],
            Self::History => &[Role::Admin, Role::Operator, Role::Auditor],
            Self::CommandRecords => &[Role::Admin, Role::Auditor],
            Self::Command => &[Role::Admin, Role::Operator, Role::Agent],
            Self::Report => &[Role::Admin, Role::Agent],
            // A machine outside knows the time of its action; a person has no reason to give one.
            Self::Backdate => &[Role::Agent],
            Self::Operate => &[Role::Admin],
        }
    }

    /// Returns the roles that have this right, as a phrase: `admin, operator or agent`.
    #[must_use]
    pub fn roles_in_words(self) -> String {
        let names: Vec<_> = self.roles().iter().map(|role| role.as_str()).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "none".to_owned(),
        }
    }
}

/// The roles of one token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Returns true if one of the roles has the right.
    #[must_use]
    pub fn allow(&self, right: Right) -> bool {
        right.roles().iter().any(|role| self.0.contains(role))
    }

    /// Returns the roles.
    pub fn iter(&self) -> impl Iterator<Item = Role> {
        self.0.iter().copied()
    }

    /// Returns true if there is no role.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<Iter: IntoIterator<Item = Role>>(roles: Iter) -> Self {
        Self(roles.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(role: Role) -> Vec<Right> {
        let roles = Roles::from_iter([role]);
        Right::ALL
            .into_iter()
            .filter(|right| roles.allow(*right))
            .collect()
    }

    #[test]
    fn each_role_has_its_rights() {
        use Right::{
            Backdate, Command, CommandRecords, History, Operate, Query, Report, Subscribe,
        };
        for (role, expected) in [
            (
                Role::Admin,
                vec![
                    Query,
                    Subscribe,
                    History,
                    CommandRecords,
                    Command,
                    Report,
                    Operate,
                ],
            ),
            (Role::Operator, vec![Query, Subscribe, History, Command]),
            (Role::Viewer, vec![Query, Subscribe]),
            (
                Role::Auditor,
                vec![Query, Subscribe, History, CommandRecords],
            ),
            (Role::Analyst, vec![Query]),
            (
                Role::Agent,
                vec![Query, Subscribe, Command, Report, Backdate],
            ),
        ] {
            assert_eq!(rights(role), expected, "{role:?}");
        }
    }

    #[test]
    fn several_roles_have_the_rights_of_each() {
        let roles = Roles::from_iter([Role::Analyst, Role::Auditor]);
        assert!(roles.allow(Right::History) && roles.allow(Right::Query));
        assert!(!roles.allow(Right::Command));
        assert!(!Roles::default().allow(Right::Query));
    }

    #[test]
    fn roles_are_known_by_name() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.as_str()), Some(role));
        }
        assert_eq!(Role::named("root"), None);
    }

    #[test]
    fn a_sentence_names_the_roles_that_would_do() {
        assert_eq!(Right::Backdate.roles_in_words(), "agent");
        assert_eq!(Right::Report.roles_in_words(), "admin or agent");
        assert_eq!(Right::Command.roles_in_words(), "admin, operator or agent");
    }
}
