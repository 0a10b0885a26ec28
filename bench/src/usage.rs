//! The processor time of processes, as the kernel tells it in `/proc`.

use std::fs;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::param::clock_ticks_per_second;
use sqlx::PgPool;

/// Processes whose processor time is added up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Processes {
    /// A process with its threads.
    One(u32),
    /// A process and its children, dead ones too: Postgres.
    WithChildren(u32),
}

/// Processor time up to a moment, or between two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// The measured server, if there is one.
    pub(crate) server: Duration,
    pub(crate) postgres: Duration,
    /// The own process, and the servers and clients that it started.
    ours: Duration,
    /// All processes of the machine.
    all: Duration,
}

/// The facts in `/proc/PID/stat` that matter here.
struct Stat {
    parent: u32,
    /// Ticks of the process.
    own: u64,
    /// Ticks of children that have ended.
    ended: u64,
}

impl Processes {
    /// Returns the server of a database on this machine.
    ///
    /// # Errors
    /// When the server runs elsewhere.
    pub(crate) async fn of_postgres(pool: &PgPool) -> anyhow::Result<Self> {
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(pool)
            .await?;
        let backend = stat(backend.try_into()?).context("Postgres is not on this machine")?;
        Ok(Self::WithChildren(backend.parent))
    }

    /// Returns the processor time so far, of user and kernel.
    ///
    /// # Errors
    /// When a process has ended.
    pub(crate) fn used(self) -> anyhow::Result<Duration> {
        let ticks = match self {
            Self::One(process) => stat(process)?.own,
            Self::WithChildren(parent) => {
                let own = stat(parent)?;
                own.own + own.ended + of_children(parent)?
            }
        };
        Ok(duration(ticks))
    }
}

impl Usage {
    /// Returns the processor time so far.
    ///
    /// # Errors
    /// When a process has ended.
    pub(crate) fn so_far(server: Option<Processes>, postgres: Processes) -> anyhow::Result<Self> {
        let server = server.map(Processes::used).transpose()?;
        Ok(Self {
            server: server.unwrap_or_default(),
            postgres: postgres.used()?,
            ours: Processes::WithChildren(std::process::id()).used()?,
            all: of_machine()?,
        })
    }

    /// Returns the processor time since then.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            postgres: self.postgres.saturating_sub(before.postgres),
            ours: self.ours.saturating_sub(before.ours),
            all: self.all.saturating_sub(before.all),
        }
    }

    /// Returns the share of the machine that processes of others used since then, in percent.
    pub(crate) fn others_percent(self, elapsed: Duration) -> f64 {
        let others = self.all.saturating_sub(self.ours + self.postgres);
        let processors = available_parallelism().map_or(1, usize::from) as f64;
        others.as_secs_f64() / (elapsed.as_secs_f64() * processors) * 100.0
    }
}

fn duration(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
}

/// The processor time of all processes: user, nice, system and interrupts.
fn of_machine() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("the kernel tells no time")?;
    let fields = line.split_whitespace().skip(1).map(str::parse);
    let fields: Vec<u64> = fields.collect::<Result<_, _>>()?;
    let [user, nice, system, _idle, _waiting, interrupts, soft, ..] = fields[..] else {
        bail!("the line of the machine is short");
    };
    Ok(duration(user + nice + system + interrupts + soft))
}

fn of_children(parent: u32) -> anyhow::Result<u64> {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc")? {
        let Ok(process) = entry?.file_name().to_string_lossy().parse() else {
            continue;
        };
        // Processes may end meanwhile.
        if let Ok(child) = stat(process)
            && child.parent == parent
        {
            ticks += child.own;
        }
    }
    Ok(ticks)
}

fn stat(process: u32) -> anyhow::Result<Stat> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program may contain anything, also parentheses.
    let (_, fields) = stat.rsplit_once(')').context("it is not a stat line")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |number: usize| fields.get(number).context("the stat line is short");
    let ticks = |number| anyhow::Ok(field(number)?.parse::<u64>()?);
    Ok(Stat {
        parent: field(1)?.parse()?,
        own: ticks(11)? + ticks(12)?,
        ended: ticks(13)? + ticks(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_processor_time() {
        let this = std::process::id();
        assert!(stat(this).unwrap().parent > 0);
        Processes::One(this).used().unwrap();
        Processes::WithChildren(this).used().unwrap();
        let before = Usage::so_far(None, Processes::One(this)).unwrap();
        let after = Usage::so_far(None, Processes::One(this)).unwrap();
        assert!(after.since(before).others_percent(Duration::from_secs(1)) < 100.0);
    }
}
