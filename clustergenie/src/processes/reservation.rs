//! The connections to the database that a process may open, agreed among all processes of the server.
//!
//! Pools open connections when they need them. Without an agreement, processes that fit while they are idle ask
//! for more than the server has while they are busy: it refuses them thousands of times, and operators too.
//! So each process reserves its connections when it starts, and makes its pools smaller if not all are left.
//! The reservation is a shared advisory lock with the number as its key: it ends with the process, however that
//! ends, and all databases of the server see it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use event_store::pool::{self, Purpose};
use sqlx::PgPool;
use tokio::time::sleep;

use super::database::{UNREACHABLE, warn_of_owner};
use crate::config::Database;
use crate::tasks::{Stage, Tasks};

/// The first key of the advisory locks. Any number works that nobody else uses.
const KEY: i32 = 0x00c1_05e5;

/// The connections that are left for operators: `verify`, `projections`, psql.
const FOR_OPERATORS: i64 = 4;

/// A process does not start with less than this part of its connections: each pool needs one.
const LEAST_PART: u32 = 2;

/// Interval of the checks that the reservation is still held.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Delay before a lost reservation is made again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The connections that the server gives to programs, those that processes reserved, and those that others have
/// open: sessions of a role with a reservation count by that. The limits of role and database count only what was
/// reserved with the same.
const LOOK: &str = "
with reserved as (
    select l.objid::bigint as connections, a.usesysid, l.database
    from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.classid = $1::bigint::oid and l.objsubid = 2 and l.objid <> 0 and l.granted
)
select
    (select sum(case when name = 'max_connections' then setting::bigint else -setting::bigint end)::bigint
     from pg_settings
     where name in ('max_connections', 'superuser_reserved_connections', 'reserved_connections')) as given,
    coalesce((select sum(connections)::bigint from reserved), 0) as reserved,
    (select count(*) from pg_stat_activity
     where datid is not null and usesysid <> current_user::regrole
         and usesysid not in (select usesysid from reserved)) as of_others,
    (select rolconnlimit - coalesce((select sum(connections)::bigint from reserved where usesysid = r.oid), 0)
     from pg_roles r where rolname = current_user and rolconnlimit >= 0 and not rolsuper) as left_of_role,
    (select datconnlimit - coalesce((select sum(connections)::bigint from reserved where database = d.oid), 0)
     from pg_database d where datname = current_database() and datconnlimit >= 0) as left_of_database";

/// The reserved connections of a process.
pub(super) struct Reservation {
    database: Database,
    /// The connection that holds the lock.
    holder: PgPool,
    /// The connections that the process opens if all are left.
    wanted: u32,
    /// The connections that it may open.
    reserved: u32,
    /// The connections of the pools that were opened, as wanted.
    opened: AtomicU32,
    /// The connections that these pools got.
    given: AtomicU32,
}

/// Returns the size of the next pool: after it, the same part of what is reserved is given as was wanted of all. So what
/// earlier pools got beyond their part, to have a connection at all, later ones do without.
fn share_of_pool(purpose: Purpose, opened: u32, given: u32, reserved: u32, wanted: u32) -> u32 {
    // Of reads for clients, one connection ends the statements of others.
    let least = match purpose {
        Purpose::Queries | Purpose::Subscriptions => 2,
        Purpose::Commands
        | Purpose::Relay
        | Purpose::Consumers
        | Purpose::Tail
        | Purpose::Platform
        | Purpose::Probes
        | Purpose::Operators
        | Purpose::Audit
        | Purpose::Maintenance => 1,
    };
    let due = opened * reserved / wanted;
    due.saturating_sub(given).max(least)
}

/// The connections of the server, given and taken.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
struct Found {
    given: i64,
    reserved: i64,
    of_others: i64,
    left_of_role: Option<i64>,
    left_of_database: Option<i64>,
}

impl Reservation {
    /// Reserves this many connections, or those that `--database-connections` says, or what is left of them.
    ///
    /// # Errors
    /// When the database does not answer, or too few connections are left. The error says what to do.
    pub(super) async fn make(database: &Database, wanted: u32) -> anyhow::Result<Self> {
        let holder = pool::connect(&database.database_url, Purpose::Maintenance, 1)
            .await
            .context(UNREACHABLE)?;
        warn_of_owner(&holder).await?;
        let most = database.database_connections.unwrap_or(wanted);
        let mut transaction = pool::begin(&holder).await.context(UNREACHABLE)?;
        // One process after the other looks and reserves.
        sqlx::query("select pg_advisory_xact_lock($1, 0)")
            .bind(KEY)
            .execute(&mut *transaction)
            .await
            .context(UNREACHABLE)?;
        let found: Found = sqlx::query_as(LOOK)
            .bind(i64::from(KEY))
            .fetch_one(&mut *transaction)
            .await
            .context(UNREACHABLE)?;
        let reserved = found.share(most, wanted)?;
        sqlx::query("select pg_advisory_lock_shared($1, $2)")
            .bind(KEY)
            .bind(i32::try_from(reserved)?)
            .execute(&mut *transaction)
            .await
            .context(UNREACHABLE)?;
        transaction.commit().await.context(UNREACHABLE)?;
        if reserved < most {
            tracing::warn!(
                connections = reserved,
                wanted = most,
                "the database has too few connections for all processes, so this one opens fewer: raise \
                 max_connections, or lower --database-connections of the others"
            );
        }
        Ok(Self {
            database: database.clone(),
            holder,
            wanted,
            reserved,
            // The one that holds the lock.
            opened: AtomicU32::new(1),
            given: AtomicU32::new(1),
        })
    }

    /// The settings of the database.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Counts connections that the process opens beside its pools.
    pub(super) fn beside_pools(&self, connections: u32) {
        self.opened.fetch_add(connections, Ordering::Relaxed);
        self.given.fetch_add(connections, Ordering::Relaxed);
    }

    /// Returns the size of a pool that has this many connections if all are left.
    ///
    /// # Errors
    /// When the process wants more than it said.
    pub(super) fn size(&self, purpose: Purpose, connections: u32) -> anyhow::Result<u32> {
        let opened = self.opened.fetch_add(connections, Ordering::Relaxed) + connections;
        ensure!(
            opened <= self.wanted,
            "this process opens {opened} connections, and reserves {}: report it",
            self.wanted
        );
        let given = self.given.load(Ordering::Relaxed);
        let share = share_of_pool(purpose, opened, given, self.reserved, self.wanted);
        self.given.fetch_add(share, Ordering::Relaxed);
        Ok(share)
    }

    /// Holds the reservation until the process stops. After a restart of the database it is made again, with the
    /// same number.
    pub(super) fn hold(self, tasks: &mut Tasks) {
        tasks.spawn(Stage::Follow, "reservation", |stop| async move {
            let again = format!(
                "select pg_advisory_lock_shared({KEY}, {reserved}) where not exists ( \
                 select from pg_locks where locktype = 'advisory' and classid = {KEY} \
                     and objid = {reserved} and objsubid = 2 and pid = pg_backend_pid())",
                reserved = self.reserved
            );
            loop {
                let held = sqlx::query(sqlx::AssertSqlSafe(again.as_str()))
                    .execute(&self.holder)
                    .await;
                let pause = held.map_or(RETRY_DELAY, |_| CHECK_INTERVAL);
                if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                    return Ok(());
                }
            }
        });
    }
}

impl Found {
    /// Returns how many of `most` connections a process may reserve that opens `wanted` by default.
    fn share(self, most: u32, wanted: u32) -> anyhow::Result<u32> {
        let Self {
            given,
            reserved,
            of_others,
            left_of_role,
            left_of_database,
        } = self;
        let left_of_server = given - FOR_OPERATORS - reserved - of_others;
        let limits = [left_of_role, left_of_database].into_iter().flatten();
        let left = limits.fold(left_of_server, i64::min);
        let share = u32::try_from(left.clamp(0, i64::from(most)))?;
        let least = wanted.div_ceil(LEAST_PART);
        ensure!(
            share >= least,
            "the database has too few connections: it gives {given} to programs, processes of ClusterGenie have \
             reserved {reserved}, others have {of_others} open, {FOR_OPERATORS} are kept for operators, the limits \
             of role and database leave {}, and this process needs at least {least} of {wanted}; raise \
             max_connections or the limit, run fewer processes, or set --database-connections \
             (CLUSTERGENIE_DATABASE_CONNECTIONS) of each",
            [left_of_role, left_of_database]
                .into_iter()
                .flatten()
                .min()
                .map_or_else(|| "all".to_owned(), |left| left.to_string())
        );
        Ok(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(found: [i64; 3], most: u32) -> Result<u32, String> {
        let [given, reserved, of_others] = found;
        let found = Found {
            given,
            reserved,
            of_others,
            left_of_role: None,
            left_of_database: None,
        };
        found.share(most, 40).map_err(|refused| refused.to_string())
    }

    #[test]
    fn processes_share_what_the_server_has() {
        assert_eq!(share([97, 0, 0], 40), Ok(40));
        assert_eq!(share([97, 40, 3], 40), Ok(40));
        // What is left.
        assert_eq!(share([97, 70, 0], 40), Ok(23));
        // An operator wants fewer.
        assert_eq!(share([97, 0, 0], 20), Ok(20));
        let limited = Found {
            given: 97,
            reserved: 0,
            of_others: 0,
            left_of_role: Some(30),
            left_of_database: Some(25),
        };
        assert_eq!(limited.share(40, 40).unwrap(), 25);
        for (found, most) in [
            ([97, 90, 0], 40),
            ([97, 40, 45], 40),
            ([10, 0, 0], 40),
            ([97, 140, 0], 40),
            ([97, 0, 0], 19),
        ] {
            let refused = share(found, most).unwrap_err();
            for part in [
                "max_connections",
                "--database-connections",
                "at least 20 of 40",
            ] {
                assert!(refused.contains(part), "{refused}");
            }
        }
    }

    #[test]
    fn no_process_opens_more_than_it_reserved() {
        use Purpose::{Commands, Consumers, Platform, Probes, Queries, Relay, Subscriptions, Tail};
        // As the processes open them: connections beside pools, then pools.
        let processes: [(u32, &[(Purpose, u32)]); 4] = [
            (
                3,
                &[
                    (Commands, 5),
                    (Commands, 2),
                    (Queries, 8),
                    (Subscriptions, 5),
                    (Tail, 1),
                    (Platform, 4),
                    (Probes, 1),
                    (Relay, 2),
                ],
            ),
            (3, &[(Relay, 10), (Probes, 1)]),
            (1, &[(Consumers, 16), (Relay, 1), (Probes, 1)]),
            (
                1,
                &[(Commands, 10), (Commands, 2), (Consumers, 16), (Probes, 1)],
            ),
        ];
        for (beside, pools) in processes {
            let wanted = beside + pools.iter().map(|(_, size)| size).sum::<u32>();
            for reserved in wanted.div_ceil(LEAST_PART)..=wanted {
                let (mut opened, mut given) = (beside, beside);
                for (purpose, size) in pools {
                    opened += size;
                    given += share_of_pool(*purpose, opened, given, reserved, wanted);
                }
                assert!(given <= reserved, "{given} of {reserved} of {wanted}");
            }
        }
    }
}
