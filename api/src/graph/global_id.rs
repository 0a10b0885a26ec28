//! Ids of the API: `Droplet:<uuid>`, `Job:<uuid>`. Readable, typed, and stable for ever.

use async_graphql::ID;
use domain::event::StreamType;
use domain::ids::{DropletId, JobId};
use uuid::Uuid;

/// The id of anything that `node` finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GlobalId {
    Droplet(DropletId),
    Job(JobId),
}

/// A text that is no id of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not the id of {wanted}: use the `id` that the API gave, like {example}")]
pub(crate) struct InvalidId {
    given: String,
    wanted: &'static str,
    example: &'static str,
}

const DROPLET: &str = "Droplet:0192f0c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f";
const JOB: &str = "Job:0192f0c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f";

/// Enough of a refused id to recognise it.
const SHOWN_CHARS: usize = 60;

impl GlobalId {
    /// Reads an id of any kind.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidId> {
        let id = text.split_once(':').and_then(|(kind, uuid)| {
            let uuid = hyphenated(uuid)?;
            match kind {
                "Droplet" => Some(Self::Droplet(DropletId::new(uuid))),
                "Job" => Some(Self::Job(JobId::new(uuid))),
                _ => None,
            }
        });
        id.ok_or_else(|| invalid(text, "a droplet or a job", DROPLET))
    }

    /// Reads a droplet's id.
    pub(crate) fn parse_droplet(text: &str) -> Result<DropletId, InvalidId> {
        match Self::parse(text) {
            Ok(Self::Droplet(id)) => Ok(id),
            Ok(Self::Job(_)) | Err(_) => Err(invalid(text, "a droplet", DROPLET)),
        }
    }

    /// Reads a job's id.
    pub(crate) fn parse_job(text: &str) -> Result<JobId, InvalidId> {
        match Self::parse(text) {
            Ok(Self::Job(id)) => Ok(id),
            Ok(Self::Droplet(_)) | Err(_) => Err(invalid(text, "a job", JOB)),
        }
    }

    /// The id of whatever has this stream.
    pub(crate) fn of_stream(stream_type: StreamType, uuid: Uuid) -> ID {
        match stream_type {
            StreamType::Droplet => Self::Droplet(uuid.into()).into(),
            StreamType::Job => Self::Job(uuid.into()).into(),
        }
    }
}

impl From<GlobalId> for ID {
    fn from(id: GlobalId) -> Self {
        match id {
            GlobalId::Droplet(id) => Self(format!("Droplet:{id}")),
            GlobalId::Job(id) => Self(format!("Job:{id}")),
        }
    }
}

// Other spellings of a UUID would be other ids for caches of clients.
fn hyphenated(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (uuid.to_string() == text).then_some(uuid)
}

fn invalid(text: &str, wanted: &'static str, example: &'static str) -> InvalidId {
    InvalidId {
        given: text.chars().take(SHOWN_CHARS).collect(),
        wanted,
        example,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let uuid = Uuid::from_u128(0x0192_3f4a_8c00_7000_8000_0000_0000_0001);
        for id in [
            GlobalId::Droplet(DropletId::new(uuid)),
            GlobalId::Job(JobId::new(uuid)),
        ] {
            assert_eq!(GlobalId::parse(&ID::from(id)), Ok(id));
        }
        assert_eq!(
            GlobalId::of_stream(StreamType::Droplet, uuid).as_str(),
            "Droplet:01923f4a-8c00-7000-8000-000000000001"
        );
    }

    #[test]
    fn there_is_one_spelling() {
        for bad in [
            "",
            "Droplet:",
            "01923f4a-8c00-7000-8000-000000000001",
            "droplet:01923f4a-8c00-7000-8000-000000000001",
            "Droplet:01923F4A-8C00-7000-8000-000000000001",
            "Droplet:01923f4a8c0070008000000000000001",
            "Cluster:01923f4a-8c00-7000-8000-000000000001",
        ] {
            assert!(GlobalId::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_job_is_no_droplet() {
        let job = "Job:01923f4a-8c00-7000-8000-000000000001";
        assert!(GlobalId::parse_job(job).is_ok());
        let refusal = GlobalId::parse_droplet(job).unwrap_err().to_string();
        assert!(refusal.contains("is not the id of a droplet"), "{refusal}");
    }
}
