//! `ResourceType`.

use async_graphql::{Enum, Error};
use domain::stream_type::StreamType;

/// What an event happened to.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceType {
    /// A virtual machine.
    Droplet,
    /// A piece of work.
    Job,
}

/// Fails for a type of a newer program: this one has no name for it.
impl TryFrom<StreamType> for ResourceType {
    type Error = Error;

    fn try_from(stream_type: StreamType) -> Result<Self, Error> {
        match stream_type {
            StreamType::DROPLET => Ok(Self::Droplet),
            StreamType::JOB => Ok(Self::Job),
            unknown => Err(Error::new(format!(
                "the {unknown} was recorded by a newer version of the platform: ask a process of that version"
            ))),
        }
    }
}
