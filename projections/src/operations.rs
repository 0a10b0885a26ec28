//! The operations on consumers: pause and resume them, rebuild a read model, retry parked streams or
//! skip them. The command line and the API both use them.
//!
//! The operations of a process run one after another, each on one connection, so that they leave the other
//! connections of their pool to others.
//!
//! Operations must never write events: nothing here is a command of the domain, so nothing here has a
//! token.

use std::sync::Arc;

use domain::ids::OrgId;
use event_store::consume::consumer::Consumer;
use event_store::consume::generation::{self, GenerationState};
use event_store::consume::source::ConsumerId;
use event_store::consume::{parked, pause, retry, wake};
use event_store::error::StoreError;
use sqlx::PgPool;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

pub use event_store::consume::parked::ParkedStream;
pub use event_store::consume::retry::Retried;

use crate::model::ReadModel;
use crate::rebuild::{self, RequestError};
use crate::registry;
use crate::status::{self, ConsumerStatus};

/// Operates consumers; cheap to clone.
#[derive(Clone)]
pub struct Operations {
    pool: PgPool,
    consumers: Vec<Arc<dyn Consumer>>,
    turns: Arc<Semaphore>,
}

/// The reason why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// No consumer has that name.
    #[error("there is no projection `{name}`: there are {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names of the existing consumers, in words.
        known: String,
    },
    /// The consumer is no read model, and is not rebuilt by operators.
    #[error(
        "`{name}` is no read model but a list of what is to be done: it is rebuilt when a program raises its \
         version, and by nobody else; a stream that is parked in it can be retried"
    )]
    NoReadModel {
        /// The name that was asked for.
        name: &'static str,
    },
    /// The stream is not parked there, or does not belong to the organization.
    #[error("the stream {stream} is not parked in `{projection}`: there is nothing to do")]
    NotParked {
        /// The id of the stream.
        stream: Uuid,
        /// The name of the projection.
        projection: &'static str,
    },
    /// A rebuild was not requested.
    #[error(transparent)]
    Rebuild(#[from] RequestError),
    /// The event store failed.
    #[error("the projections cannot be operated now")]
    Store(#[from] StoreError),
}

impl Operations {
    /// Operates these consumers as the owner of the tables.
    #[must_use]
    pub fn new(pool: PgPool, consumers: Vec<Arc<dyn Consumer>>) -> Self {
        Self {
            pool,
            consumers,
            turns: Arc::new(Semaphore::new(1)),
        }
    }

    /// Returns the status of every consumer.
    ///
    /// # Errors
    /// When Postgres fails.
    pub async fn statuses(&self) -> Result<Vec<ConsumerStatus>, OperateError> {
        let _turn = self.turn().await;
        let consumers = status::each(&self.consumers);
        Ok(status::of(&self.pool, &consumers).await?)
    }

    /// Returns the status of one consumer.
    ///
    /// # Errors
    /// [`OperateError::Unknown`], and when Postgres fails.
    pub async fn status(&self, name: &str) -> Result<ConsumerStatus, OperateError> {
        let _turn = self.turn().await;
        let consumer = self.consumer(name)?;
        let mut statuses = status::of(&self.pool, &[consumer]).await?;
        Ok(statuses.remove(0))
    }

    /// Returns the state of a generation; `None` if there is no such generation.
    ///
    /// # Errors
    /// When Postgres fails.
    pub async fn state_of(
        &self,
        name: &str,
        generation: i32,
    ) -> Result<Option<GenerationState>, OperateError> {
        let _turn = self.turn().await;
        Ok(generation::state(&self.pool, name, generation).await?)
    }

    /// Returns the streams that are parked in a consumer, in the order of their events at fault. They
    /// are those of one organization or of all, the first so many or all.
    ///
    /// # Errors
    /// [`OperateError::Unknown`], and when Postgres fails.
    pub async fn parked(
        &self,
        name: &str,
        of: Option<&OrgId>,
        first: Option<i64>,
    ) -> Result<Vec<ParkedStream>, OperateError> {
        let _turn = self.turn().await;
        let id = self.serving(name).await?;
        Ok(parked::list(&self.pool, id, of, first).await?)
    }

    /// Retries a parked stream, from its event at fault on. With `of`, only if it is that
    /// organization's.
    ///
    /// # Errors
    /// [`OperateError::Unknown`], [`OperateError::NotParked`], and when Postgres fails.
    pub async fn retry(
        &self,
        name: &str,
        stream: Uuid,
        of: Option<&OrgId>,
    ) -> Result<Retried, OperateError> {
        let _turn = self.turn().await;
        let consumer = self.consumer(name)?;
        let id = self.serving(name).await?;
        if !parked::is_parked(&self.pool, id, stream, of).await? {
            return Err(OperateError::NotParked {
                stream,
                projection: id.name,
            });
        }
        let retried = retry::stream(&self.pool, consumer, id.generation, stream).await?;
        if let Err(error) = wake::tell_applied(&self.pool).await {
            // Requests that wait also poll.
            tracing::debug!(%error, "a hint to other processes was not sent");
        }
        Ok(retried)
    }

    /// Skips a parked stream: it stays as it is in the read model, and needs no attention any more. With
    /// `of`, only if it is that organization's.
    ///
    /// # Errors
    /// [`OperateError::Unknown`], [`OperateError::NotParked`], and when Postgres fails.
    pub async fn skip(
        &self,
        name: &str,
        stream: Uuid,
        of: Option<&OrgId>,
        by: &str,
        reason: &str,
    ) -> Result<(), OperateError> {
        let _turn = self.turn().await;
        let id = self.serving(name).await?;
        let is_parked = parked::is_parked(&self.pool, id, stream, of).await?;
        if is_parked && parked::skip(&self.pool, id, stream, by, reason).await? {
            tracing::warn!(consumer = id.name, stream.id = %stream, by, reason, "a parked stream is skipped");
            return Ok(());
        }
        Err(OperateError::NotParked {
            stream,
            projection: id.name,
        })
    }

    /// Pauses a consumer in all processes. Returns whether it was not paused before; if it was, the
    /// recorded operator and reason stay.
    ///
    /// # Errors
    /// [`OperateError::Unknown`], and when Postgres fails.
    pub async fn pause(&self, name: &str, by: &str, reason: &str) -> Result<bool, OperateError> {
        let _turn = self.turn().await;
        let name = self.consumer(name)?.name();
        let paused = pause::pause(&self.pool, name, by, reason).await?;
        if paused {
            tracing::warn!(consumer = name, by, reason, "a consumer is paused");
        }
        Ok(paused)
    }

    /// Resumes a consumer, which applies events again within a moment. Returns whether it was paused.
    ///
    /// # Errors
    /// [`OperateError::Unknown`], and when Postgres fails.
    pub async fn resume(&self, name: &str) -> Result<bool, OperateError> {
        let _turn = self.turn().await;
        let name = self.consumer(name)?.name();
        let resumed = pause::resume(&self.pool, name).await?;
        if resumed {
            tracing::info!(consumer = name, "a consumer resumes");
        }
        Ok(resumed)
    }

    /// Requests a new generation of a read model; returns its number.
    ///
    /// # Errors
    /// [`OperateError::Unknown`], [`OperateError::NoReadModel`], [`OperateError::Rebuild`], and when Postgres
    /// fails.
    pub async fn rebuild(&self, name: &str, by: &str, reason: &str) -> Result<i32, OperateError> {
        let _turn = self.turn().await;
        let model = self.read_model(name)?;
        Ok(rebuild::request(&self.pool, model, by, reason).await?)
    }

    /// Gives up the generation of a read model that is being built; returns its number, if there was
    /// one.
    ///
    /// # Errors
    /// [`OperateError::Unknown`], [`OperateError::NoReadModel`], and when Postgres fails.
    pub async fn give_up(&self, name: &str) -> Result<Option<i32>, OperateError> {
        let _turn = self.turn().await;
        let name = self.read_model(name)?.name();
        Ok(generation::abandon(&self.pool, name).await?)
    }

    /// Waits until no other operation runs.
    async fn turn(&self) -> SemaphorePermit<'_> {
        let turn = self.turns.acquire().await;
        turn.expect("nobody closes the semaphore")
    }

    async fn serving(&self, name: &str) -> Result<ConsumerId, OperateError> {
        let name = self.consumer(name)?.name();
        Ok(generation::serving(&self.pool, name).await?)
    }

    fn read_model(&self, name: &str) -> Result<&'static dyn ReadModel, OperateError> {
        let name = self.consumer(name)?.name();
        registry::named(name).ok_or(OperateError::NoReadModel { name })
    }

    fn consumer(&self, name: &str) -> Result<&dyn Consumer, OperateError> {
        let mut consumers = self.consumers.iter();
        let found = consumers.find(|consumer| consumer.name() == name);
        found.map(AsRef::as_ref).ok_or_else(|| {
            let known: Vec<_> = self
                .consumers
                .iter()
                .map(|consumer| consumer.name())
                .collect();
            OperateError::Unknown {
                name: name.to_owned(),
                known: known.join(", "),
            }
        })
    }
}
