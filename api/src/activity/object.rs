//! The GraphQL type `Activity`.

use async_graphql::connection::EmptyFields;
use async_graphql::{ID, Object};
use projections::activity::ActivityRow;
use projections::page::log_cursor;

use crate::graph::connection::Listed;
use crate::graph::global_id::GlobalId;
use crate::graph::resource_type::ResourceType;
use crate::graph::scalars::{BigInt, Time};

/// A line about an event.
pub(crate) struct Activity(pub(crate) ActivityRow);

impl From<ActivityRow> for Activity {
    fn from(row: ActivityRow) -> Self {
        Self(row)
    }
}

impl Listed for Activity {
    type Fields = EmptyFields;
    const PAGE: &'static str = "A page of activity.";
    const ITEM: &'static str = "A line of activity in a page.";
}

/// A line for people about an event.
#[Object]
impl Activity {
    /// The position of the event in the history of the platform.
    async fn position(&self) -> BigInt {
        BigInt(self.0.position.0)
    }

    /// The cursor of the event, for the argument `after` of subscriptions.
    async fn cursor(&self) -> String {
        log_cursor(self.0.position)
    }

    /// The type of the event, such as `droplet_activated`.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The type of the event's resource. Null if only a newer version of the platform knows the type, which
    /// is possible during an upgrade.
    async fn resource_type(&self) -> Option<ResourceType> {
        ResourceType::of_stream_type(&self.0.resource_type)
    }

    /// The id of the event's resource.
    async fn resource_id(&self) -> ID {
        GlobalId::of_named(&self.0.resource_type, self.0.resource_id)
    }

    /// The name of the resource after the event, or a job's kind.
    async fn resource_name(&self) -> Option<&str> {
        self.0.resource_name.as_deref()
    }

    /// The actor that caused the event: the subject of a token, or a part of the platform.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// The description of the event, in words.
    async fn summary(&self) -> &str {
        &self.0.summary
    }

    /// The time of the event.
    async fn occurred_at(&self) -> Time {
        self.0.occurred_at.into()
    }

    /// The time at which the platform recorded the event.
    async fn recorded_at(&self) -> Time {
        self.0.recorded_at.into()
    }
}
