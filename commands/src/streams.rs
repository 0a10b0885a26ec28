//! Loads the streams that a command is decided on.
//!
//! A state that is only cached, or assumed, may be wrong: another process may have written since. Accepting
//! a command on such a state is safe, because the append checks the version of every stream that was
//! loaded, written or not. A rejection is not safe, nor is the answer that there is nothing to do. Such an
//! answer is given only if all states were read from the store ([`crate::execute`]).
//!
//! A load fails if the store is in another incarnation of the log than the attempt began in, so that one decision never
//! rests on two histories.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::decider::fold;
use domain::ids::OrgId;
use domain::registry::Registered;
use event_store::codec;
use event_store::envelope::{StoredEvent, StreamId, Version};
use event_store::error::{CodecError, StoreError};
use event_store::incarnation::IncarnationId;
use event_store::log;
use event_store::write::snapshot;
use sqlx::PgPool;
use uuid::Uuid;

use crate::cache::Cache;

/// A stream as a command finds it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loaded<D> {
    pub(crate) stream: StreamId,
    pub(crate) state: D,
    pub(crate) version: Version,
}

/// The sources of states that need no read of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The cache of this process, and the assumption that ids made just now are new.
    Memory,
    /// None: every state is read from the store.
    Store,
}

/// The streams of one attempt to carry out a command, all of one incarnation of the log.
#[derive(Debug)]
pub(crate) struct Streams<'a> {
    pool: &'a PgPool,
    incarnation: IncarnationId,
    cache: &'a Cache,
    org: &'a OrgId,
    trust: Trust,
    believed: bool,
    loaded: Vec<(StreamId, Version)>,
    /// All streams, also those of which only a lasting fact was used.
    read: Vec<(StreamId, Version)>,
    /// The versions at which the streams are read, to decide a recorded command again; `None` for the last ones.
    recorded: Option<BTreeMap<StreamId, Version>>,
    /// True if a stream was asked for that the record does not name, or that is shorter.
    lacks_record: bool,
}

impl<'a> Streams<'a> {
    /// Returns the streams of an organization, none of them loaded. The cache is that of the incarnation.
    pub(crate) fn new(
        pool: &'a PgPool,
        incarnation: IncarnationId,
        cache: &'a Cache,
        org: &'a OrgId,
        trust: Trust,
    ) -> Self {
        Self {
            pool,
            incarnation,
            cache,
            org,
            trust,
            believed: false,
            loaded: Vec::new(),
            read: Vec::new(),
            recorded: None,
            lacks_record: false,
        }
    }

    /// Returns the streams as a recorded command read them.
    pub(crate) fn as_recorded(
        pool: &'a PgPool,
        cache: &'a Cache,
        org: &'a OrgId,
        versions: BTreeMap<StreamId, Version>,
    ) -> Self {
        Self {
            recorded: Some(versions),
            // Only recorded versions are read, in whatever incarnation.
            ..Self::new(pool, IncarnationId(Uuid::nil()), cache, org, Trust::Store)
        }
    }

    /// Returns true if the decision asked for a state that the record and the history do not give.
    pub(crate) fn lacks_record(&self) -> bool {
        self.lacks_record
    }

    /// Returns true if a state was used without reading the store.
    pub(crate) fn believed(&self) -> bool {
        self.believed
    }

    /// Returns all streams that were loaded, with the versions that they had.
    pub(crate) fn read_for_decision(&self) -> &[(StreamId, Version)] {
        &self.read
    }

    /// Returns the streams that were loaded besides the written ones, with the versions that they had.
    pub(crate) fn read_besides(
        &self,
        written: impl Iterator<Item = (StreamId, Version)>,
    ) -> Vec<(StreamId, Version)> {
        let mut reads = self.loaded.clone();
        for stream in written {
            reads.retain(|read| *read != stream);
        }
        reads
    }

    /// Loads a stream that exists, as far as the caller knows. The command is carried out only if the
    /// stream did not change since the load, whether the command writes it or not.
    pub(crate) async fn load<D: Registered>(
        &mut self,
        stream: impl Into<StreamId>,
    ) -> Result<Loaded<D>, StoreError> {
        let loaded = self.remembered_or_read(stream.into()).await?;
        self.note(&loaded);
        Ok(loaded)
    }

    /// Loads a stream of which the command uses only a lasting fact, one that is true for ever once it is
    /// true. An example is that the stream exists. The stream may change meanwhile: the command does not
    /// conflict with its writers.
    pub(crate) async fn load_fact<D: Registered>(
        &mut self,
        stream: impl Into<StreamId>,
    ) -> Result<Loaded<D>, StoreError> {
        let loaded = self.remembered_or_read(stream.into()).await?;
        self.note_read(&loaded);
        Ok(loaded)
    }

    /// Opens a stream whose id was made for this command, and which is therefore new.
    pub(crate) async fn open<D: Registered>(
        &mut self,
        stream: impl Into<StreamId>,
    ) -> Result<Loaded<D>, StoreError> {
        let stream = stream.into();
        let loaded = match self.trust {
            Trust::Memory => {
                self.believed = true;
                Loaded::absent(stream)
            }
            Trust::Store => self.read(stream).await?,
        };
        self.note(&loaded);
        Ok(loaded)
    }

    fn note_read<D>(&mut self, loaded: &Loaded<D>) {
        let read = (loaded.stream, loaded.version);
        if !self.read.contains(&read) {
            self.read.push(read);
        }
    }

    fn note<D>(&mut self, loaded: &Loaded<D>) {
        self.note_read(loaded);
        let read = (loaded.stream, loaded.version);
        if !self.loaded.contains(&read) {
            self.loaded.push(read);
        }
    }

    async fn remembered_or_read<D: Registered>(
        &mut self,
        stream: StreamId,
    ) -> Result<Loaded<D>, StoreError> {
        if self.trust == Trust::Memory
            && let Some((state, version)) = self.cache.get(self.org, stream)
        {
            self.believed = true;
            return Ok(Loaded {
                stream,
                state,
                version,
            });
        }
        self.read(stream).await
    }

    async fn read<D: Registered>(&mut self, stream: StreamId) -> Result<Loaded<D>, StoreError> {
        if let Some(recorded) = &self.recorded {
            let version = recorded.get(&stream).copied();
            let wanted = version.unwrap_or(Version::NONE);
            let loaded = read_at(self.pool, self.cache, self.org, stream, wanted).await?;
            self.lacks_record |= version != Some(loaded.version);
            return Ok(loaded);
        }
        let loaded: Loaded<D> = read(self.pool, self.incarnation, self.org, stream).await?;
        if loaded.version > Version::NONE {
            let state = Arc::new(loaded.state.clone());
            self.cache.put(self.org, stream, loaded.version, state);
        }
        Ok(loaded)
    }
}

impl<D: Registered> Loaded<D> {
    fn absent(stream: StreamId) -> Self {
        Self {
            stream,
            state: D::default(),
            version: Version::NONE,
        }
    }
}

/// Reads a stream from the store, from its snapshot on if it has one. A stream of another organization
/// looks absent.
///
/// # Errors
/// [`StoreError::OtherIncarnation`] when the store is not in this incarnation of the log.
pub(crate) async fn read<D: Registered>(
    pool: &PgPool,
    incarnation: IncarnationId,
    org: &OrgId,
    stream: StreamId,
) -> Result<Loaded<D>, StoreError> {
    if let Some((state, version)) = snapshot::load::<D>(pool, incarnation, stream).await? {
        // The last event that the snapshot covers is read again. It shows the owner of the stream, and that
        // the snapshot is of this stream and not ahead of it.
        let events = log::read_stream_in(pool, incarnation, stream, Version(version.0 - 1)).await?;
        match events.split_first() {
            Some((last, later)) if last.version == version => {
                if last.org != *org {
                    return Ok(Loaded::absent(stream));
                }
                return fold_on(
                    Loaded {
                        stream,
                        state,
                        version,
                    },
                    later,
                );
            }
            Some(_) | None => {
                tracing::warn!(stream.id = %stream, "a snapshot does not fit its stream");
            }
        }
    }
    let events = log::read_stream_in(pool, incarnation, stream, Version::NONE).await?;
    let events = match events.first() {
        Some(first) if first.org == *org => events.as_slice(),
        Some(_) | None => &[],
    };
    fold_on(Loaded::absent(stream), events)
}

/// Reads a stream as it was at a version. Starts from the state in the cache, if that is not later, and leaves the state
/// there: who asks for ascending versions reads each event once.
async fn read_at<D: Registered>(
    pool: &PgPool,
    cache: &Cache,
    org: &OrgId,
    stream: StreamId,
    version: Version,
) -> Result<Loaded<D>, StoreError> {
    let known = cache.get(org, stream).filter(|(_, at)| *at <= version);
    let before = match known {
        Some((state, version)) => Loaded {
            stream,
            state,
            version,
        },
        None => Loaded::absent(stream),
    };
    let events = log::read_versions(pool, stream, before.version, version).await?;
    if events.iter().any(|event| event.org != *org) {
        return Ok(Loaded::absent(stream));
    }
    let loaded: Loaded<D> = fold_on(before, &events)?;
    if loaded.version > Version::NONE {
        let state = Arc::new(loaded.state.clone());
        cache.put(org, stream, loaded.version, state);
    }
    Ok(loaded)
}

fn fold_on<D: Registered>(
    loaded: Loaded<D>,
    events: &[StoredEvent],
) -> Result<Loaded<D>, StoreError> {
    let version = events.last().map_or(loaded.version, |last| last.version);
    let events: Vec<D::Event> = events.iter().map(decode).collect::<Result<_, _>>()?;
    Ok(Loaded {
        stream: loaded.stream,
        state: fold(loaded.state, &events),
        version,
    })
}

fn decode<E>(stored: &StoredEvent) -> Result<E, StoreError>
where
    E: TryFrom<domain::registry::Event, Error = domain::event::ForeignEvent>,
{
    codec::decode(stored)
        .and_then(|recorded| {
            E::try_from(recorded.event).map_err(|foreign| CodecError::Message(foreign.to_string()))
        })
        .map_err(|source| StoreError::Decode {
            stream: stored.stream,
            version: stored.version,
            source,
        })
}
