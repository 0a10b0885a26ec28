//! The only access of clients to read models: bound to an organization, by a role that Postgres binds to
//! it too.
//!
//! The queries themselves are beside the read model that they read, as methods of [`Reader`].

use domain::ids::OrgId;
use event_store::error::StoreError;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::fold::UnexpectedEvent;

mod session;
mod sessions;
mod statement;

use self::sessions::Sessions;

/// Answers the queries of clients; cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Connections as the role that row-level security binds.
    queries: Sessions,
    /// Connections as the owner, for the platform's state.
    pub(crate) store: PgPool,
}

/// The reason why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The cursor is not one of this list in this order: the client's fault.
    #[error("the cursor is malformed or belongs to another order: use one that this list gave")]
    InvalidCursor,
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
    /// state as the owner through `store`.
    #[must_use]
    pub fn new(queries: PgPool, store: PgPool) -> Self {
        Self {
            queries: Sessions::over(queries),
            store,
        }
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

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
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
