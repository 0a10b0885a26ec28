//! `Event`.

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Enum, ID, Json, Object, Result};
use projections::history::{Metadata, Positioned, StoredEvent};
use projections::page::Key;
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

/// Something that happened to a resource. It never changes.
#[Object]
impl Event {
    /// Its id: a UUID.
    async fn id(&self) -> ID {
        self.stored().event_id.into()
    }

    /// Its place in the history of the whole platform, from 1, without gaps over all organizations.
    async fn position(&self) -> BigInt {
        BigInt(self.0.position.0)
    }

    /// Where it stands, for the argument `after` of subscriptions and of `events`.
    async fn cursor(&self) -> String {
        Key::Position(self.0.position).to_cursor()
    }

    /// What happened, such as `droplet_activated`.
    async fn r#type(&self) -> &str {
        &self.stored().event_type
    }

    /// The version of the shape of its data.
    async fn schema_version(&self) -> i32 {
        self.stored().schema_version
    }

    /// The type of the resource that it happened to. Null if only a newer version of the platform knows
    /// that type, which can be during an upgrade.
    async fn resource_type(&self) -> Option<ResourceType> {
        ResourceType::of_stream(self.stored().stream.stream_type)
    }

    /// The id of the resource that it happened to.
    async fn resource_id(&self) -> ID {
        let stream = self.stored().stream;
        GlobalId::of_stream(stream.stream_type, stream.uuid)
    }

    /// Which event of its resource it is, from 1.
    async fn version(&self) -> BigInt {
        BigInt(self.stored().version.0)
    }

    /// What its type has to say, in the shape in which it was stored.
    async fn data(&self) -> Result<Json<Value>> {
        let data = serde_json::from_str(&self.stored().data);
        data.map(Json).map_err(|error| error::internal(&error))
    }

    /// Who caused it: the subject of a token, or a part of the platform.
    async fn actor(&self) -> Result<String> {
        Ok(self.metadata()?.actor)
    }

    /// Where the request came from.
    async fn source(&self) -> Result<RequestSource> {
        Ok(self.metadata()?.source.into())
    }

    /// The command that caused it, together with all its other events: a UUID.
    async fn command_id(&self) -> Result<ID> {
        Ok(self.metadata()?.command_id.into())
    }

    /// Shared by everything that one request from outside set in motion: a UUID.
    async fn correlation_id(&self) -> Result<ID> {
        Ok(self.metadata()?.correlation_id.into())
    }

    /// The id of the event that a part of the platform reacted to, if this came of one.
    async fn causation_id(&self) -> Result<Option<ID>> {
        Ok(self.metadata()?.causation_id.map(ID::from))
    }

    /// When it happened.
    async fn occurred_at(&self) -> Result<Time> {
        Ok(self.metadata()?.occurred_at.into())
    }

    /// When the platform recorded it.
    async fn recorded_at(&self) -> Time {
        self.stored().recorded_at.into()
    }
}

/// Where a request came from.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "commands::context::RequestSource")]
enum RequestSource {
    /// This API.
    Api,
    /// A part of the platform, reacting to an event.
    Process,
}
