//! Filters of subscribers, as GraphQL subscriptions.

use serde_json::{Value, json};
use uuid::Uuid;

/// The filter of a subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// All events.
    Events,
    /// Events of some types, by their names in the log.
    EventTypes(Vec<String>),
    /// Changes of droplets.
    Droplets,
    /// Changes after which the droplet has a status of the list.
    DropletStatus(Vec<String>),
    /// Changes of one droplet.
    Droplet(Uuid),
    /// Changes of clusters.
    Clusters,
    /// Changes of jobs of some kinds.
    JobKind(Vec<String>),
    /// Changes after which the job has a status of the list.
    JobStatus(Vec<String>),
}

impl Filter {
    /// The filters of all subscribers of a run; the filter of one droplet is among them.
    pub(crate) fn all(droplet: Uuid) -> Vec<Self> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        vec![
            Self::Events,
            Self::Events,
            Self::EventTypes(texts(&[
                "droplet_requested",
                "job_succeeded",
                "droplet_renamed",
            ])),
            Self::Droplets,
            Self::DropletStatus(texts(&["ACTIVE", "DELETED"])),
            Self::Droplet(droplet),
            Self::Clusters,
            Self::JobKind(texts(&["provision", "batch"])),
            Self::JobStatus(texts(&["SUCCEEDED", "CANCELLED"])),
        ]
    }

    /// The payload of `subscribe` that resumes after a cursor or a token.
    pub(super) fn operation(&self, after: &str) -> Value {
        const EVENT: &str = "cursor event { position resourceId version }";
        let (variables, field, node) = match self {
            Self::Events => (json!({}), "eventRecorded(after: $after)", None),
            Self::EventTypes(types) => (
                json!({ "types": types.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>() }),
                "eventRecorded(types: $types, after: $after)",
                None,
            ),
            Self::Droplets => (json!({}), "dropletChanged(after: $after)", Some("droplet")),
            Self::DropletStatus(statuses) => (
                json!({ "status": statuses }),
                "dropletChanged(statuses: $status, after: $after)",
                Some("droplet"),
            ),
            Self::Droplet(id) => (
                json!({ "id": format!("Droplet:{id}") }),
                "dropletChanged(id: $id, after: $after)",
                Some("droplet"),
            ),
            Self::Clusters => (json!({}), "clusterChanged(after: $after)", Some("cluster")),
            Self::JobKind(kinds) => (
                json!({ "kinds": kinds }),
                "jobChanged(kinds: $kinds, after: $after)",
                Some("job"),
            ),
            Self::JobStatus(statuses) => (
                json!({ "jobStatus": statuses }),
                "jobChanged(statuses: $jobStatus, after: $after)",
                Some("job"),
            ),
        };
        let node = match node {
            Some(node) => format!("node: {node} {{ version }}"),
            None => "node: resource { ... on DropletSnapshot { version } ... on JobSnapshot { version } \
                     ... on ClusterSnapshot { version } }"
                .to_owned(),
        };
        let declared: String = [
            ("types", "[EventType!]"),
            ("status", "[DropletStatus!]"),
            ("id", "ID"),
            ("kinds", "[String!]"),
            ("jobStatus", "[JobStatus!]"),
        ]
        .iter()
        .filter(|(name, _)| variables.get(name).is_some())
        .map(|(name, kind)| format!(", ${name}: {kind}"))
        .collect();
        let query =
            format!("subscription ($after: String{declared}) {{ {field} {{ {EVENT} {node} }} }}");
        let mut variables = variables;
        variables["after"] = json!(after);
        json!({ "query": query, "variables": variables })
    }

    /// The change in the payload of `next`.
    pub(super) fn change<'a>(&self, payload: &'a Value) -> &'a Value {
        let data = &payload["data"];
        match self {
            Self::Events | Self::EventTypes(_) => &data["eventRecorded"],
            Self::Droplets | Self::DropletStatus(_) | Self::Droplet(_) => &data["dropletChanged"],
            Self::Clusters => &data["clusterChanged"],
            Self::JobKind(_) | Self::JobStatus(_) => &data["jobChanged"],
        }
    }
}
