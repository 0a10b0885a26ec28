//! Faults in the database, injected by a connection of the rig.

use std::time::Duration;

use rustix::process::Pid;
use sqlx::{Connection, Executor};
use tokio::time::sleep;

use super::Injector;
use crate::faults::{Drawn, End, Lease};
use crate::not_possible::NotPossible;
use crate::quiescence::Progress;

/// Attempts to find a backend that runs a statement.
const ATTEMPTS: u32 = 500;
/// Least milliseconds of a long open transaction, which outlasts any other fault.
const LONG_OPEN: u64 = 30_000;

impl Injector {
    /// A Postgres backend that writes events, or at least reads them for a command.
    pub(super) async fn backend_at_work(&self) -> anyhow::Result<Pid> {
        let mut connection = self.platform.address.connect().await?;
        for _ in 0..ATTEMPTS {
            let pid: Option<i32> = sqlx::query_scalar(
                "select pid from pg_stat_activity \
                 where application_name = 'clustergenie commands' and state = 'active' \
                 order by backend_xid is null limit 1",
            )
            .fetch_optional(&mut connection)
            .await?;
            if let Some(pid) = pid.and_then(Pid::from_raw) {
                return Ok(pid);
            }
            sleep(Duration::from_millis(2)).await;
        }
        Err(NotPossible::new("no command was at work").into())
    }

    /// Keeps a transaction open that has an id, has written, and has drawn an event's number as a writer of events. The
    /// platform must not wait for that transaction.
    pub(super) async fn idle_transaction(&self, lasts: u64, end: End) -> anyhow::Result<()> {
        let before = Progress::fetch(&self.platform.address).await?;
        let mut connection = self.platform.address.connect().await?;
        connection
            .execute("create table if not exists public.fault_scratch (n bigint)")
            .await?;
        let mut transaction = connection.begin().await?;
        transaction
            .execute(
                "insert into public.fault_scratch values (1); \
                 lock table es.events in row exclusive mode; \
                 select nextval(pg_get_serial_sequence('es.events', 'seq'))",
            )
            .await?;
        sleep(Duration::from_millis(lasts)).await;
        let after = Progress::fetch(&self.platform.address).await;
        let ended = match end {
            End::Commit => transaction.commit().await,
            End::RollBack => transaction.rollback().await,
        };
        // A restart of Postgres meanwhile rolls it back.
        let stayed_open = ended.is_ok();
        if let Ok(after) = after
            && stayed_open
            && lasts >= LONG_OPEN
            && after.head == before.head
        {
            let what = format!(
                "no event got a position while a write transaction was open for {lasts} ms"
            );
            self.differences.note("open transactions", what);
        }
        Ok(())
    }

    pub(super) async fn draw_in_vain(&self, how: Drawn, numbers: u64) -> anyhow::Result<()> {
        let numbers = i64::try_from(numbers)?;
        let mut connection = self.platform.address.connect().await?;
        match how {
            Drawn::NumberOnly => {
                sqlx::query(
                    "select nextval(pg_get_serial_sequence('es.events', 'seq')) \
                     from generate_series(1, $1)",
                )
                .bind(numbers)
                .execute(&mut connection)
                .await?;
            }
            Drawn::EventRolledBack => {
                let mut transaction = connection.begin().await?;
                sqlx::query(
                    "insert into es.events (stream_id, version, shard, event_id, org_id, \
                         event_type, schema_version, data, metadata) \
                     select gen_random_uuid(), 1, 0, gen_random_uuid(), 'nobody', 'nothing', 1, \
                         '{}', '{}' from generate_series(1, $1)",
                )
                .bind(numbers)
                .execute(&mut *transaction)
                .await?;
                transaction.rollback().await?;
            }
        }
        Ok(())
    }

    pub(super) async fn step_lease(&self, lease: Lease, seconds: i64) -> anyhow::Result<()> {
        let name = match lease {
            Lease::Sequencer => "sequencer",
            Lease::Publisher => "publisher",
        };
        let mut connection = self.platform.address.connect().await?;
        let stepped = sqlx::query(
            "update es.leases set expires_at = expires_at + make_interval(secs => $2) \
             where name = $1 and isfinite(expires_at)",
        )
        .bind(name)
        .bind(f64::from(i32::try_from(seconds)?))
        .execute(&mut connection)
        .await?;
        if stepped.rows_affected() != 1 {
            return Err(NotPossible::new("nobody has the lease").into());
        }
        Ok(())
    }
}
