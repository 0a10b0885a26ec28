//! The only access of clients to read models: bound to an organization, by a role that Postgres binds to
//! it too.
//!
//! The queries themselves are beside the read model that they read, as methods of [`Reader`].

use std::sync::Arc;

use domain::ids::OrgId;
use event_store::error::StoreError;
use event_store::incarnation::{IncarnationId, Incarnations, Lost};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::fold::UnexpectedEvent;
use crate::places::{Place, Places};

mod session;
mod sessions;
mod statement;

pub(crate) use self::sessions::Sessions;

/// Answers the queries of clients; cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Connections as the role that row-level security binds.
    queries: Sessions,
    /// Connections as the service role, for the platform's state.
    pub(crate) platform: PgPool,
    /// Places for reads of the platform's state.
    places: Arc<Places>,
    /// The incarnations of the log, as connections as the service role found them.
    pub(crate) incarnations: Incarnations,
}

/// The reason why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The cursor is not one of this list in this order: the client's fault.
    #[error("the cursor is malformed or belongs to another order: use one that this list gave")]
    InvalidCursor,
    /// The log no longer has the position of the cursor: it was restored since.
    #[error(
        "the cursor is of no use any more: {0}; list again, and follow from what the list gives"
    )]
    LostCursor(Lost),
    /// The log is in another incarnation than this process knew, time after time: the query may be asked again.
    #[error("the platform's database was exchanged meanwhile: ask again")]
    OtherIncarnation,
    /// A value of a filter cannot be compared with what is stored: the client's fault.
    #[error("a value of the filter is out of range or holds a NUL character: change it")]
    InvalidFilter,
    /// The query exceeded its timeout: a narrower one may succeed.
    #[error("the query took too long: narrow its filter or ask for a smaller page")]
    TooSlow,
    /// The serving generation is of an older version, which lacks a column: one of this version is not built
    /// yet.
    #[error(
        "the read model is being rebuilt for a newer version: leave the filter out, or ask again later"
    )]
    BeingRebuilt,
    /// Postgres failed.
    #[error("the read models are unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// The event store failed.
    #[error("the stream could not be read")]
    Store(#[source] StoreError),
    /// The events of the stream contradict each other.
    #[error("the stream makes no sense")]
    UnexpectedEvent(#[source] UnexpectedEvent),
}

impl Reader {
    /// Reads as clients through `queries`, a pool of `Purpose::Queries` that nobody else uses. Reads the platform's
    /// state as the service role through `platform`, whose log has these incarnations. Two connections of that pool stay
    /// free of clients' reads: one for the requests that wait for a write, and one for operations.
    #[must_use]
    pub fn new(queries: PgPool, platform: PgPool, incarnations: Incarnations) -> Self {
        let places = platform.options().get_max_connections().saturating_sub(2);
        Self {
            queries: Sessions::over(queries),
            platform,
            places: Arc::new(Places::of_connections(places)),
            incarnations,
        }
    }

    /// Waits for a place for a read of the platform's state by an organization.
    ///
    /// # Errors
    /// When none is free within the timeout of the pool.
    pub(crate) async fn platform_place(&self, org: &OrgId) -> Result<Place, ReadError> {
        let timeout = self.platform.options().get_acquire_timeout();
        let place = tokio::time::timeout(timeout, self.places.take(org)).await;
        place.map_err(|_| ReadError::Unavailable(sqlx::Error::PoolTimedOut))
    }

    /// Returns the incarnation of the log, as far as this process knows. What is read from now on is of this one or of
    /// a later one. So a cursor that names this one is never taken for more than the log has.
    #[must_use]
    pub fn incarnation(&self) -> Option<IncarnationId> {
        self.incarnations.peek().map(|known| known.current().id)
    }

    /// Runs one statement that sees this organization only; returns what `decode` makes of its rows. Dropping
    /// the future ends the statement.
    pub(crate) async fn fetch<T>(
        &self,
        org: &OrgId,
        query: QueryBuilder<Postgres>,
        decode: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, ReadError> {
        let statement = query.try_into()?;
        Ok(self.queries.fetch(org, &statement, decode).await?)
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OtherIncarnation => Self::OtherIncarnation,
            error => Self::Store(error),
        }
    }
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            Some("CG001") => Self::OtherIncarnation,
            // query_canceled, by the statement timeout of the pool.
            Some("57014") => Self::TooSlow,
            // undefined_column
            Some("42703") => Self::BeingRebuilt,
            // Class 22, data exception: only values that came from outside can cause it.
            Some(code) if code.starts_with("22") => Self::InvalidFilter,
            _ => Self::Unavailable(error),
        }
    }
}
