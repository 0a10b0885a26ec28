//! The GraphQL type `Event`.

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Enum, ID, Json, Object, Result};
use commands::context;
use projections::history::{Metadata, Positioned, StoredEvent};
use projections::page::log_cursor;
use serde_json::Value;

use crate::graph::connection::Listed;
use crate::graph::error;
use crate::graph::global_id::GlobalId;
use crate::graph::resource_type::ResourceType;
use crate::graph::scalars::{BigInt, Time};

/// A recorded event.
pub(crate) struct Event(pub(crate) Arc<Positioned<StoredEvent>>);

impl From<Positioned<StoredEvent>> for Event {
    fn from(event: Positioned<StoredEvent>) -> Self {
        Self(Arc::new(event))
    }
}

impl Listed for Event {
    type Fields = EmptyFields;
    const PAGE: &'static str = "A page of events.";
    const ITEM: &'static str = "An event in a page.";
}

impl Event {
    fn stored(&self) -> &StoredEvent {
        &self.0.event
    }

    fn metadata(&self) -> Result<Metadata> {
        serde_json::from_str(&self.stored().metadata).map_err(|error| error::internal(&error))
    }
}

/// An event of a resource. An event never changes.
#[Object]
impl Event {
    /// The id of the event: a UUID.
    async fn id(&self) -> ID {
        self.stored().event_id.into()
    }

    /// The position of the event in the history of the whole platform, from 1, without gaps over all
    /// organizations.
    async fn position(&self) -> BigInt {
        BigInt(self.0.position.0)
    }

    /// The cursor of the event, for the argument `after` of subscriptions and of `events`.
    async fn cursor(&self) -> String {
        log_cursor(self.0.position)
    }

    /// The type of the event, such as `droplet_activated`.
    async fn r#type(&self) -> &str {
        &self.stored().event_type
    }

    /// The version of the schema of the event's data.
    async fn schema_version(&self) -> i32 {
        self.stored().schema_version
    }

    /// The type of the event's resource. Null if only a newer version of the platform knows the type, which
    /// is possible during an upgrade.
    async fn resource_type(&self) -> Option<ResourceType> {
        ResourceType::of_stream(self.stored().stream.stream_type)
    }

    /// The id of the event's resource.
    async fn resource_id(&self) -> ID {
        let stream = self.stored().stream;
        GlobalId::of_stream(stream.stream_type, stream.uuid)
    }

    /// The number of the event among the events of its resource, from 1.
    async fn version(&self) -> BigInt {
        BigInt(self.stored().version.0)
    }

    /// The data of the event, in the schema in which the event was stored.
    async fn data(&self) -> Result<Json<Value>> {
        let data = serde_json::from_str(&self.stored().data);
        data.map(Json).map_err(|error| error::internal(&error))
    }

    /// The actor that caused the event: the subject of a token, or a part of the platform.
    async fn actor(&self) -> Result<String> {
        Ok(self.metadata()?.actor)
    }

    /// The origin of the request. Null if only a newer version of the platform knows the origin.
    async fn source(&self) -> Result<Option<RequestSource>> {
        Ok(RequestSource::of(self.metadata()?.source))
    }

    /// The id of the command that caused the event and all other events of the command: a UUID.
    async fn command_id(&self) -> Result<ID> {
        Ok(self.metadata()?.command_id.into())
    }

    /// The id that all effects of one outside request share: a UUID.
    async fn correlation_id(&self) -> Result<ID> {
        Ok(self.metadata()?.correlation_id.into())
    }

    /// The id of the event to which a part of the platform reacted, if this event is such a reaction.
    async fn causation_id(&self) -> Result<Option<ID>> {
        Ok(self.metadata()?.causation_id.map(ID::from))
    }

    /// The time of the event.
    async fn occurred_at(&self) -> Result<Time> {
        Ok(self.metadata()?.occurred_at.into())
    }

    /// The time at which the platform recorded the event.
    async fn recorded_at(&self) -> Time {
        self.stored().recorded_at.into()
    }
}

/// The origin of a request.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum RequestSource {
    /// The GraphQL API.
    Api,
    /// A part of the platform, reacting to an event.
    Process,
}

impl RequestSource {
    /// Returns the origin by its stored form; `None` for one that only a newer program knows.
    fn of(source: context::RequestSource) -> Option<Self> {
        match source {
            context::RequestSource::Api => Some(Self::Api),
            context::RequestSource::Process => Some(Self::Process),
            context::RequestSource::Newer => None,
        }
    }
}
