//! The kinds of ids, each of its own type.
//!
//! Raw UUIDs stop at the edge: the id of a droplet cannot be passed in place of a job's. Ids are made at
//! the edge too. The exception is the id of an event, which follows from its place in its stream.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::checked::{checked_string, is_slug};

/// Declares the typed ids over a UUID.
macro_rules! typed_ids {
    ($($(#[$meta:meta])* $Id:ident,)+) => {
        $(
            $(#[$meta])*
            #[derive(
                Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            )]
            #[serde(transparent)]
            pub struct $Id(Uuid);

            impl $Id {
                /// Returns the id with this UUID.
                #[must_use]
                pub const fn new(uuid: Uuid) -> Self {
                    Self(uuid)
                }

                /// Returns the UUID inside.
                #[must_use]
                pub const fn as_uuid(&self) -> Uuid {
                    self.0
                }
            }

            impl From<Uuid> for $Id {
                fn from(uuid: Uuid) -> Self {
                    Self(uuid)
                }
            }

            impl From<$Id> for Uuid {
                fn from(id: $Id) -> Self {
                    id.0
                }
            }

            impl fmt::Display for $Id {
                fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(formatter)
                }
            }

            impl FromStr for $Id {
                type Err = uuid::Error;

                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    text.parse().map(Self)
                }
            }
        )+
    };
}

// In alphabetical order.
typed_ids! {
    /// Names a cluster, and is the id of the cluster's stream.
    ClusterId,
    /// Names one command, so that sending the command twice has one effect.
    CommandId,
    /// Names the origin of a chain of commands and events.
    CorrelationId,
    /// Names a droplet, and is the id of the droplet's stream.
    DropletId,
    /// Names an event.
    EventId,
    /// Names a job, and is the id of the job's stream.
    JobId,
}

impl EventId {
    /// Returns the id of the event that made the stream reach this version. The id is a UUID of version 5
    /// with the stream's id as namespace and the decimal version as name.
    ///
    /// Nothing else names an event, so ids are as unique as places in streams are. Writing the same event
    /// twice cannot give it two ids.
    #[must_use]
    pub fn derive(stream: Uuid, version: i64) -> Self {
        Self(Uuid::new_v5(&stream, version.to_string().as_bytes()))
    }
}

checked_string! {
    /// Names an organization, the owner of every command, event and row.
    pub struct OrgId, error InvalidOrgId;
    is "the name of an organization";
    rule "1 to 40 lower-case letters, digits and hyphens, beginning and ending with a letter or digit";
    check is_org;
}

impl OrgId {
    /// Returns an organization by its stored name. The name may break this program's rule, because a newer
    /// program may have another one.
    #[must_use]
    pub fn stored(name: String) -> Self {
        Self(name.into())
    }
}

fn is_org(text: &str) -> bool {
    is_slug(text, 40, b"-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Uuid = Uuid::from_u128(0x0192_3f4a_8c00_7000_8000_0000_0000_0001);

    #[test]
    fn an_id_is_its_uuid_in_text_and_in_json() {
        let id = DropletId::new(STREAM);
        let text = "01923f4a-8c00-7000-8000-000000000001";
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(
            serde_json::to_string(&id).expect("it serialises"),
            format!("\"{text}\"")
        );
        assert_eq!(DropletId::from(id.as_uuid()), id);
        assert!("acme".parse::<DropletId>().is_err());
    }

    #[test]
    fn an_event_id_follows_from_the_place_and_never_changes() {
        // Ids that were stored depend on this one.
        assert_eq!(
            EventId::derive(STREAM, 1).to_string(),
            "24c00eee-d47e-57e4-a503-77ba45bce61c"
        );
        assert_ne!(EventId::derive(STREAM, 1), EventId::derive(STREAM, 2));
        assert_ne!(EventId::derive(STREAM, 1), EventId::derive(Uuid::nil(), 1));
    }

    #[test]
    fn organizations_are_slugs() {
        for good in ["a", "acme", "acme-2", "0", &"a".repeat(40)] {
            assert_eq!(OrgId::parse(good).expect("a good name").as_str(), good);
        }
        for bad in [
            "",
            "-acme",
            "acme-",
            "Acme",
            "ac me",
            "ac_me",
            "acmé",
            &"a".repeat(41),
        ] {
            assert!(OrgId::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert_eq!(
            OrgId::parse("Acme")
                .expect_err("capitals are refused")
                .to_string(),
            "\"Acme\" is not the name of an organization: use 1 to 40 lower-case letters, digits \
             and hyphens, beginning and ending with a letter or digit"
        );
    }

    #[test]
    fn a_bad_organization_does_not_come_in_through_json() {
        assert!(serde_json::from_str::<OrgId>("\"Acme\"").is_err());
        let org: OrgId = serde_json::from_str("\"acme\"").expect("a good name");
        assert_eq!(
            serde_json::to_string(&org).expect("it serialises"),
            "\"acme\""
        );
    }
}
