//! The sessions of clients' reads: one statement a read, if a session that sees the organization is free.
//!
//! Guarantees:
//! - a read sees the organization of its caller and no other, whatever the reads before it left;
//! - no more sessions than the pool has connections, but one. One organization alone has at most half of them, and
//!   its reads wait in the order in which they came ([`crate::places`]);
//! - a session that Postgres closed meanwhile is replaced, and the read is run once more;
//! - **a read that is dropped ends its statement**: the server's process is ended, by the connection of the pool
//!   that is no session. The session is thrown away, and its place is free once the process is told to end. So
//!   a late end never hits another read, and dropped reads cannot pile up in Postgres.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::OrgId;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::session::Session;
use super::statement::Statement;
use crate::places::{Place, Places};

/// Sessions over the connections of a pool; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    /// Places, one for each session that may exist in use.
    places: Places,
    /// The sessions that nobody uses, the one that was used last at the end.
    idle: Mutex<Vec<Session>>,
    /// The tasks that end statements of dropped reads.
    ending: Mutex<JoinSet<()>>,
    /// Held while a process is ended, so that one connection is enough for that.
    ender: tokio::sync::Mutex<()>,
}

/// A session in use. Dropping this value while a statement runs ends the statement.
struct Lease {
    shared: Arc<Shared>,
    /// `None` once the lease ended.
    session: Option<Session>,
    place: Option<Place>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No statement runs.
    Idle,
    /// A statement runs, or was dropped.
    Running,
    /// The connection is of no use any more.
    Broken,
}

impl Sessions {
    /// Makes sessions with the settings, the size and the time limits of a pool that nobody else uses.
    pub(crate) fn over(pool: PgPool) -> Self {
        let connections = pool.options().get_max_connections();
        let sessions = connections.saturating_sub(1);
        Self(Arc::new(Shared {
            pool,
            places: Places::of_connections(sessions),
            idle: Mutex::default(),
            ending: Mutex::default(),
            ender: tokio::sync::Mutex::default(),
        }))
    }

    /// Runs one statement that sees this organization only; returns what `decode` makes of its rows. A
    /// statement on a connection that was closed meanwhile is run once more on a new one: it only reads.
    ///
    /// # Errors
    /// Those of Postgres, of the pool, and of `decode`.
    pub(crate) async fn fetch<T>(
        &self,
        org: &OrgId,
        statement: &Statement,
        decode: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, sqlx::Error> {
        let take = |rows: &mut Vec<T>, row: &PgRow| {
            rows.push(decode(row)?);
            Ok(())
        };
        self.fold(org, statement, Vec::new, take).await
    }

    /// Runs one statement like [`fetch`](Self::fetch); returns what `take` makes of its rows, one after the other, from
    /// what `begin` gives. Begins again when the statement is run once more.
    ///
    /// # Errors
    /// Those of Postgres, of the pool, and of `take`.
    pub(crate) async fn fold<T>(
        &self,
        org: &OrgId,
        statement: &Statement,
        begin: impl Fn() -> T,
        take: impl Fn(&mut T, &PgRow) -> Result<(), sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let mut place = self.place(org).await?;
        if let Some(session) = self.0.take(org) {
            let mut lease = Lease::of(&self.0, session, place);
            match lease.fold(org, statement, begin(), &take).await {
                Err(error) if is_closed(&error) => place = lease.place(),
                answer => return answer,
            }
            // What closed one connection, such as a restart of Postgres, has closed the others.
            self.0.idle().clear();
        }
        let session = Session::open(&self.0.pool).await?;
        let mut lease = Lease::of(&self.0, session, place);
        lease.fold(org, statement, begin(), &take).await
    }

    /// Waits for a place among the sessions in use.
    async fn place(&self, org: &OrgId) -> Result<Place, sqlx::Error> {
        let place = self.0.places.take(org);
        let timeout = self.0.pool.options().get_acquire_timeout();
        let place = tokio::time::timeout(timeout, place).await;
        place.map_err(|_| sqlx::Error::PoolTimedOut)
    }
}

impl Shared {
    /// Takes an idle session: the last one that sees the organization, else the one that waits longest.
    fn take(&self, org: &OrgId) -> Option<Session> {
        let options = self.pool.options();
        let (lifetime, idle_timeout) = (options.get_max_lifetime(), options.get_idle_timeout());
        let mut idle = self.idle();
        idle.retain(|session| session.is_fresh(lifetime, idle_timeout));
        let place = idle.iter().rposition(|session| session.sees(org));
        match place {
            Some(place) => Some(idle.remove(place)),
            None if idle.is_empty() => None,
            None => Some(idle.remove(0)),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the statement of a dropped read, then throws the session away.
    fn end(self: &Arc<Self>, session: Session, place: Option<Place>) {
        // Without a runtime the process ends, and its connections with it.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let shared = Arc::clone(self);
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        while ending.try_join_next().is_some() {}
        ending.spawn_on(
            async move {
                if let Err(error) = shared.end_backend(session.backend()).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the statement of a dropped read could not be ended");
                }
                // The connection is closed last: the number of a process that ended may be another one's.
                drop((session, place));
            },
            &runtime,
        );
    }

    /// Ends a process of the server. Cancelling its statement would do nothing if the statement has not arrived
    /// yet.
    async fn end_backend(&self, backend: i32) -> Result<(), sqlx::Error> {
        let _one_at_a_time = self.ender.lock().await;
        let mut connection = self.pool.acquire().await?;
        // As the login of the sessions: the role that reads for clients may end nothing.
        let end =
            format!("begin; set local role none; select pg_terminate_backend({backend}); commit");
        let ended = sqlx::raw_sql(AssertSqlSafe(end))
            .execute(&mut *connection)
            .await;
        if ended.is_err() {
            connection.close_on_drop();
        }
        ended.map(drop)
    }
}

impl Lease {
    fn of(shared: &Arc<Shared>, session: Session, place: Place) -> Self {
        Self {
            shared: Arc::clone(shared),
            session: Some(session),
            place: Some(place),
            state: State::Idle,
        }
    }

    async fn fold<T>(
        &mut self,
        org: &OrgId,
        statement: &Statement,
        begun: T,
        take: &impl Fn(&mut T, &PgRow) -> Result<(), sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let session = self
            .session
            .as_mut()
            .expect("a lease ends with its session");
        self.state = State::Running;
        let answer = session.fold(org, statement, begun, take).await;
        self.state = match &answer {
            Err(error) if is_fatal(error) => State::Broken,
            _ => State::Idle,
        };
        answer
    }

    /// Ends the lease and gives its place to another session.
    fn place(mut self) -> Place {
        self.place.take().expect("a lease ends with its place")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        match self.state {
            // Before the place is free, so that the next read finds the session.
            State::Idle => self.shared.idle().push(session),
            State::Running => self.shared.end(session, self.place.take()),
            State::Broken => {}
        }
    }
}

/// True if the session can run no further statement.
fn is_fatal(error: &sqlx::Error) -> bool {
    let is_of_the_row = matches!(
        error,
        sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_)
    );
    is_closed(error) || !(is_of_the_row || error.as_database_error().is_some())
}

/// True if the connection was closed, by Postgres or on the way.
fn is_closed(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // Classes 57P, shutdowns and terminations, and 08, failed connections.
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
        _ => false,
    }
}
