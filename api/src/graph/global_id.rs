//! Ids of the API, `<name of the type>:<uuid>`: readable, typed and stable.

use std::borrow::Cow;
use std::fmt;

use domain::stream_type::StreamType;
use projections::history::StreamId;
use uuid::Uuid;

use crate::graph::error::{Code, Error, failure};
use crate::graph::execute::output::{Output, Write};
use crate::graph::execute::plan::Field;
use crate::graph::execute::types::Types;
use crate::graph::execute::writer::{Failed, Writer};
use crate::graph::resource_type::ResourceType;

/// The id of any object that `node` finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GlobalId {
    resource_type: ResourceType,
    uuid: Uuid,
}

/// An id as the API writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrittenId {
    type_name: Cow<'static, str>,
    uuid: Uuid,
}

impl Write for WrittenId {
    fn write(&self, _: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        out.plain(|bytes| {
            bytes.extend_from_slice(self.type_name.as_bytes());
            bytes.push(b':');
            let mut digits = Uuid::encode_buffer();
            bytes.extend_from_slice(self.uuid.hyphenated().encode_lower(&mut digits).as_bytes());
        });
        Ok(())
    }
}

impl Output for WrittenId {
    fn name() -> Cow<'static, str> {
        "ID".into()
    }

    fn describe(_: &mut Types) {}
}

impl fmt::Display for WrittenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.type_name, self.uuid)
    }
}

/// A typed id of a resource.
pub(crate) trait ResourceId: From<Uuid> + Into<StreamId> {
    /// Returns the type of resource that the id names.
    fn resource_type() -> ResourceType {
        let any: StreamId = Self::from(Uuid::nil()).into();
        ResourceType::of_stream(any.stream_type)
            .expect("every typed id names a resource of the registry")
    }

    /// Returns the UUID of the id.
    fn uuid(self) -> Uuid {
        let stream: StreamId = self.into();
        stream.uuid
    }
}

impl<Id: From<Uuid> + Into<StreamId>> ResourceId for Id {}

/// The error for a text that is not an id of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not the id of {wanted}: use the `id` that the API gave, like {example}")]
pub(crate) struct InvalidId {
    given: String,
    wanted: String,
    example: String,
}

/// The UUID of the example in an error message.
const EXAMPLE: &str = "0192f0c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f";

/// The number of characters of a rejected id that an error message shows.
const SHOWN_CHARS: usize = 60;

impl GlobalId {
    /// Reads an id of any type.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidId> {
        read(text).ok_or_else(|| {
            let example = ResourceType::ALL.first().copied();
            invalid(text, ResourceType::any_in_words(), example)
        })
    }

    /// Reads the id of a resource of one type.
    pub(crate) fn parse_as<Id: ResourceId>(text: &str) -> Result<Id, InvalidId> {
        let wanted = Id::resource_type();
        read(text)
            .and_then(Self::typed)
            .ok_or_else(|| invalid(text, wanted.with_article(), Some(wanted)))
    }

    /// Returns the id of a resource, as it is written.
    pub(crate) fn of(id: impl ResourceId) -> WrittenId {
        let stream: StreamId = id.into();
        Self::of_stream(stream.stream_type, stream.uuid)
    }

    /// Returns the id of the resource that has this stream, as it is written.
    pub(crate) fn of_stream(stream_type: StreamType, uuid: Uuid) -> WrittenId {
        let type_name = match ResourceType::of_stream(stream_type) {
            Some(resource_type) => resource_type.name().into(),
            None => stream_type.to_string().into(),
        };
        WrittenId { type_name, uuid }
    }

    /// Returns the id of a resource whose stream type is stored under this name, as it is written.
    pub(crate) fn of_named(stream_type: &str, uuid: Uuid) -> WrittenId {
        let type_name = match ResourceType::of_stream_type(stream_type) {
            Some(resource_type) => resource_type.name().into(),
            None => stream_type.to_owned().into(),
        };
        WrittenId { type_name, uuid }
    }

    /// Returns the id as an id of one type, or `None` if it names a resource of another type.
    pub(crate) fn typed<Id: ResourceId>(self) -> Option<Id> {
        (self.resource_type == Id::resource_type()).then(|| self.uuid.into())
    }

    /// Returns the UUID of the id, which names one resource of all types.
    pub(crate) const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl From<GlobalId> for StreamId {
    fn from(id: GlobalId) -> Self {
        Self {
            stream_type: id.resource_type.into(),
            uuid: id.uuid,
        }
    }
}

impl InvalidId {
    /// Returns the error of a field whose argument is this text.
    pub(crate) fn into_error(self) -> Error {
        failure(Code::BadUserInput, self.to_string())
    }
}

fn read(text: &str) -> Option<GlobalId> {
    let (name, uuid) = text.split_once(':')?;
    let mut types = ResourceType::ALL.iter().copied();
    Some(GlobalId {
        resource_type: types.find(|resource_type| resource_type.name() == name)?,
        uuid: hyphenated(uuid)?,
    })
}

// Other spellings of a UUID would be other ids for caches of clients.
fn hyphenated(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (uuid.to_string() == text).then_some(uuid)
}

fn invalid(text: &str, wanted: String, example: Option<ResourceType>) -> InvalidId {
    InvalidId {
        given: text.chars().take(SHOWN_CHARS).collect(),
        wanted,
        example: format!("{}:{EXAMPLE}", example.map_or("", ResourceType::name)),
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{DropletId, JobId};

    use super::*;

    const UUID: &str = "01923f4a-8c00-7000-8000-000000000001";

    #[test]
    fn what_is_written_is_read_again() {
        let uuid = Uuid::try_parse(UUID).unwrap();
        for stream_type in StreamType::known().iter().copied() {
            let written = GlobalId::of_stream(stream_type, uuid);
            let read = GlobalId::parse(&written.to_string()).unwrap();
            assert_eq!(StreamId::from(read), StreamId { stream_type, uuid });
        }
    }

    #[test]
    fn an_id_is_written_one_way_for_ever() {
        let uuid = Uuid::try_parse(UUID).unwrap();
        let droplet = GlobalId::of(DropletId::new(uuid)).to_string();
        assert_eq!(droplet, format!("Droplet:{UUID}"));
        assert_eq!(GlobalId::parse_as(&droplet), Ok(DropletId::new(uuid)));
        let job = GlobalId::of(JobId::new(uuid)).to_string();
        let refusal = GlobalId::parse_as::<DropletId>(&job).unwrap_err();
        let expected = "is not the id of a droplet: use the `id` that the API gave, like Droplet:";
        assert!(refusal.to_string().contains(expected), "{refusal}");
    }

    #[test]
    fn there_is_one_spelling() {
        for name in ResourceType::ALL.iter().map(|one| one.name()) {
            assert!(GlobalId::parse(&format!("{name}:{UUID}")).is_ok());
            for bad in [
                String::new(),
                format!("{name}:"),
                UUID.to_owned(),
                format!("{}:{UUID}", name.to_lowercase()),
                format!("{name}:{}", UUID.to_uppercase()),
                format!("{name}:{}", UUID.replace('-', "")),
                format!("Nothing:{UUID}"),
            ] {
                assert!(GlobalId::parse(&bad).is_err(), "{bad:?} was taken");
            }
        }
    }
}
