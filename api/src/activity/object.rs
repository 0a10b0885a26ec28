//! `Activity`.

use async_graphql::connection::EmptyFields;
use async_graphql::{ID, Object};
use projections::activity::ActivityRow;
use projections::page::Key;

use crate::graph::connection::Listed;
use crate::graph::global_id::GlobalId;
use crate::graph::resource_type::ResourceType;
use crate::graph::scalars::{BigInt, Time};

/// One line about one event.
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

/// One line for people about something that happened.
#[Object]
impl Activity {
    /// The position of the event in the history of the platform.
    async fn position(&self) -> BigInt {
        BigInt(self.0.position.0)
    }

    /// Where it stands, for the argument `after` of subscriptions.
    async fn cursor(&self) -> String {
        Key::Position(self.0.position).to_cursor()
    }

    /// What happened, such as `droplet_activated`.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The type of the resource that it happened to. Null if only a newer version of the platform knows
    /// that type, which can be during an upgrade.
    async fn resource_type(&self) -> Option<ResourceType> {
        ResourceType::of_stream_type(&self.0.resource_type)
    }

    /// The id of the resource that it happened to.
    async fn resource_id(&self) -> ID {
        GlobalId::of_named(&self.0.resource_type, self.0.resource_id)
    }

    /// The name of the resource after the event, or a job's kind.
    async fn resource_name(&self) -> Option<&str> {
        self.0.resource_name.as_deref()
    }

    /// Who caused it: the subject of a token, or a part of the platform.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// What happened, in words.
    async fn summary(&self) -> &str {
        &self.0.summary
    }

    /// When it happened.
    async fn occurred_at(&self) -> Time {
        self.0.occurred_at.into()
    }

    /// When the platform recorded it.
    async fn recorded_at(&self) -> Time {
        self.0.recorded_at.into()
    }
}
