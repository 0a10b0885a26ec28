//! The pools of a process with an API: one for each kind of work, so that none can take the connections of another.
//!
//! Whatever clients ask for, and however many of them: queries take no connection of commands, reads of the log for
//! subscribers take none of queries, and a probe always has its own. Within a pool, organizations share
//! (`projections` crate, `places`).

use event_store::pool::Purpose;
use event_store::write::group::MAX_STATEMENTS;
use sqlx::PgPool;

/// The number of connections of each pool.
const COMMANDS: u32 = 5;
/// The connections of appends: one for each statement. Those of `work` need as many.
pub(crate) const APPENDING: u32 = MAX_STATEMENTS as u32;
const QUERIES: u32 = 8;
const SUBSCRIPTIONS: u32 = 5;
const TAIL: u32 = 1;
const PLATFORM: u32 = 4;
const PROBES: u32 = 1;

/// The pools of a process with an API.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    /// Loads of streams for commands.
    pub(crate) commands: PgPool,
    /// Appends, so that a decided command never waits behind loads.
    pub(crate) appending: PgPool,
    /// Queries of clients.
    pub(crate) queries: PgPool,
    /// Reads of an organization's log for its subscribers.
    pub(crate) subscriptions: PgPool,
    /// Reads of the whole log for all subscribers together.
    pub(crate) tail: PgPool,
    /// The state of the platform, requests that wait for a write, and operations.
    pub(crate) platform: PgPool,
    /// The probe of the database.
    pub(crate) probes: PgPool,
}

impl Pools {
    /// Opens all pools.
    ///
    /// # Errors
    /// Those of `connect`.
    pub(crate) async fn open(
        connect: impl AsyncFn(Purpose, u32) -> anyhow::Result<PgPool>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            commands: connect(Purpose::Commands, COMMANDS).await?,
            appending: connect(Purpose::Commands, APPENDING).await?,
            queries: connect(Purpose::Queries, QUERIES).await?,
            subscriptions: connect(Purpose::Subscriptions, SUBSCRIPTIONS).await?,
            tail: connect(Purpose::Tail, TAIL).await?,
            platform: connect(Purpose::Platform, PLATFORM).await?,
            probes: connect(Purpose::Probes, PROBES).await?,
        })
    }
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgPoolOptions;

    use super::*;

    /// The connections for hints of an `api`, of its pool and those that listen beside it; and the one that holds the
    /// reservation.
    const BESIDE: u32 = 2 + 2 + 1;

    /// What a Postgres with the default settings gives to logins that are no superusers.
    const AVAILABLE: u32 = 100 - 3;

    #[tokio::test]
    async fn three_api_processes_fit_a_postgres_with_default_settings() {
        let lazily = async |_, connections| {
            let options = PgPoolOptions::new().max_connections(connections);
            Ok(options.connect_lazy("postgres://nobody@127.0.0.1:1/nowhere")?)
        };
        let pools = Pools::open(lazily).await.unwrap();
        let Pools {
            commands,
            appending,
            queries,
            subscriptions,
            tail,
            platform,
            probes,
        } = pools;
        let all = [
            commands,
            appending,
            queries,
            subscriptions,
            tail,
            platform,
            probes,
        ];
        let sizes = all.map(|pool| pool.options().get_max_connections());
        let one = sizes.iter().sum::<u32>() + BESIDE;
        assert!(3 * one <= AVAILABLE, "an `api` opens {one} connections");
    }
}
