//! Carries the plan out, each fault at its time, and keeps a record of what was done.

mod database;
mod operator;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Signal, kill_process};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::difference::Differences;
use crate::faults::{Crash, Fault, Target};
use crate::plan::Planned;
use crate::platform::Platform;
use crate::process::{Process, until_gone};
use crate::refused::{self, Refused};
use crate::servers::postgres::{Frozen, first_process};

/// How long the processes of a killed Postgres may take to notice.
const POSTGRES_GONE: Duration = Duration::from_secs(10);

/// How long a broker may still take messages for a topic that it has said is deleted.
const TOPIC_GONE: Duration = Duration::from_secs(1);

/// How often a kind of fault was injected, and how often it was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) injected: u64,
    /// For a reason that is known: its target was down already, say.
    pub(crate) not_possible: u64,
    /// For any other reason: each is a difference.
    pub(crate) failed: u64,
}

/// A topic that was deleted: what it held up to a position is gone, and may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remade {
    pub(crate) stream_type: String,
    pub(crate) up_to: i64,
}

/// Injects faults.
#[derive(Debug)]
pub(crate) struct Injector {
    platform: Arc<Platform>,
    differences: Differences,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: File,
    counts: BTreeMap<String, Count>,
    remade: Vec<Remade>,
}

impl Injector {
    /// Nothing was injected yet; the record goes to a new file.
    pub(crate) fn new(
        platform: Arc<Platform>,
        differences: Differences,
        record: &Path,
    ) -> anyhow::Result<Self> {
        let file = File::create_new(record)?;
        let kept = Kept {
            file,
            counts: BTreeMap::new(),
            remade: Vec::new(),
        };
        Ok(Self {
            platform,
            differences,
            kept: Mutex::new(kept),
        })
    }

    /// How often each kind was injected.
    pub(crate) fn counts(&self) -> BTreeMap<String, Count> {
        self.locked().counts.clone()
    }

    /// The topics that were deleted.
    pub(crate) fn remade(&self) -> Vec<Remade> {
        self.locked().remade.clone()
    }

    /// Injects the whole plan; returns when the last fault is over.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub(crate) async fn run(self: Arc<Self>, plan: Vec<Planned>) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut faults = JoinSet::new();
        for planned in plan {
            sleep_until(begun + Duration::from_millis(planned.at)).await;
            let injector = Arc::clone(&self);
            faults.spawn(async move { injector.one(planned, begun).await });
            while let Some(ended) = faults.try_join_next() {
                ended??;
            }
        }
        while let Some(ended) = faults.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn one(&self, planned: Planned, begun: Instant) -> anyhow::Result<()> {
        let kind = planned.fault.kind();
        let from = begun.elapsed();
        let outcome = self.inject(&planned.fault).await;
        let to = begun.elapsed();
        let mut line = json!({
            "planned": planned,
            "fromMs": from.as_millis(),
            "toMs": to.as_millis(),
        });
        let mut kept = self.locked();
        let count = kept.counts.entry(kind.clone()).or_default();
        match outcome {
            Ok(()) => count.injected += 1,
            Err(error) if refused::is_known(&error) => {
                count.not_possible += 1;
                line["notPossible"] = json!(format!("{error:#}"));
            }
            Err(error) => {
                count.failed += 1;
                line["failed"] = json!(format!("{error:#}"));
                let what = format!("{kind} at {} ms failed: {error:#}", planned.at);
                self.differences.note("faults", what);
            }
        }
        writeln!(kept.file, "{line}")?;
        Ok(())
    }

    async fn inject(&self, fault: &Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill { target, down } => {
                let process = self.process(*target)?;
                end_and_start(process, Signal::KILL, *down).await
            }
            Fault::Restart { target, down } => {
                let process = self.process(*target)?;
                end_and_start(process, Signal::TERM, *down).await
            }
            Fault::Pause { target, lasts } => pause(self.process(*target)?, *lasts).await,
            Fault::CrashPostgres { how, down } => self.crash_postgres(*how, *down).await,
            Fault::PausePostgres { lasts } => {
                let first = first_process(&self.platform.postgres_data);
                let frozen = Frozen::new(first.ok_or_else(|| Refused::new("Postgres is down"))?);
                sleep(Duration::from_millis(*lasts)).await;
                drop(frozen);
                Ok(())
            }
            Fault::PauseBackend { lasts } => {
                let frozen = Frozen::new(self.backend_at_work().await?);
                sleep(Duration::from_millis(*lasts)).await;
                drop(frozen);
                Ok(())
            }
            Fault::KillKafka { down } => end_and_start(self.kafka()?, Signal::KILL, *down).await,
            Fault::PauseKafka { lasts } => pause(self.kafka()?, *lasts).await,
            Fault::IdleTransaction { lasts, end } => self.idle_transaction(*lasts, *end).await,
            Fault::DrawnInVain { how, numbers } => self.draw_in_vain(*how, *numbers).await,
            Fault::FullDisk { lasts } => {
                let disk = &self.platform.disk;
                if !disk.can_be_filled() {
                    return Err(Refused::new("mounting is not permitted here").into());
                }
                let ballast = disk.fill()?;
                sleep(Duration::from_millis(*lasts)).await;
                drop(ballast);
                Ok(())
            }
            Fault::StepLease { lease, seconds } => self.step_lease(*lease, *seconds).await,
            Fault::Redeliver { messages, target } => self.redeliver(*messages, *target).await,
            Fault::RemakeTopic { stream_type } => self.delete_topic(stream_type).await,
            Fault::Rebuild { projection } => self.operate(&["rebuild", projection]).await,
            Fault::PauseProjection { projection, lasts } => {
                self.pause_projection(projection, *lasts).await
            }
        }
    }

    fn process(&self, target: Target) -> anyhow::Result<&Process> {
        let process = self.platform.processes.get(&target);
        let (process, _) = process.with_context(|| format!("there is no {target}"))?;
        Ok(process)
    }

    fn kafka(&self) -> anyhow::Result<&Process> {
        let kafka = self.platform.kafka.as_ref().context("there is no Kafka")?;
        Ok(&kafka.process)
    }

    async fn crash_postgres(&self, how: Crash, down: u64) -> anyhow::Result<()> {
        let signal = match how {
            Crash::Immediate => Signal::QUIT,
            Crash::Kill => Signal::KILL,
        };
        if let Some(postgres) = &self.platform.postgres {
            return end_and_start(postgres, signal, down).await;
        }
        // `up` ends when its Postgres does, and is started again.
        let first = first_process(&self.platform.postgres_data);
        let first = first.ok_or_else(|| Refused::new("Postgres is down"))?;
        if kill_process(first, signal).is_err() {
            return Err(Refused::new("Postgres has just ended").into());
        }
        if !until_gone(first, POSTGRES_GONE).await {
            // It stands still, or `up` does and does not notice that it has ended.
            return Err(Refused::new("Postgres does not end").into());
        }
        Ok(())
    }

    async fn redeliver(&self, messages: i64, target: Target) -> anyhow::Result<()> {
        let process = self.process(target)?;
        if !process.end(Signal::KILL).await? {
            return Err(Refused::new(format!("{} is down", process.name())).into());
        }
        let moved = async {
            let mut connection = self.platform.address.connect().await?;
            sqlx::query(
                "update es.checkpoints set kafka_offset = greatest(kafka_offset - $1, 0) \
                 where kafka_offset is not null",
            )
            .bind(messages)
            .execute(&mut connection)
            .await?;
            anyhow::Ok(())
        };
        let moved = moved.await;
        process.start().await?;
        moved
    }

    async fn delete_topic(&self, stream_type: &str) -> anyhow::Result<()> {
        let kafka = self.platform.kafka.as_ref().context("there is no Kafka")?;
        kafka.delete_topic(stream_type).await?;
        // What is published from now on goes to the new topic. The head is asked for afterwards: what
        // was under way may have been lost with the old one, which the broker takes away a moment later.
        sleep(TOPIC_GONE).await;
        let up_to = loop {
            let asked = async {
                let mut connection = self.platform.address.connect().await?;
                let head = sqlx::query_scalar("select position from es.log_head");
                anyhow::Ok(head.fetch_one(&mut connection).await?)
            };
            if let Ok(up_to) = asked.await {
                break up_to;
            }
            sleep(Duration::from_millis(200)).await;
        };
        let stream_type = stream_type.to_owned();
        self.locked().remade.push(Remade { stream_type, up_to });
        Ok(())
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("no holder panics")
    }
}

async fn end_and_start(process: &Process, signal: Signal, down: u64) -> anyhow::Result<()> {
    let ran = process.end(signal).await?;
    sleep(Duration::from_millis(down)).await;
    process.start().await?;
    if !ran {
        return Err(Refused::new(format!("{} was down already", process.name())).into());
    }
    Ok(())
}

async fn pause(process: &Process, lasts: u64) -> anyhow::Result<()> {
    let paused = process.pause();
    let paused = paused.ok_or_else(|| Refused::new(format!("{} is down", process.name())))?;
    sleep(Duration::from_millis(lasts)).await;
    drop(paused);
    Ok(())
}
