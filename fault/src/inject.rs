//! Injects the faults of the plan, each at its time, and records the outcomes.

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
use crate::not_possible::{self, NotPossible};
use crate::plan::Planned;
use crate::platform::Platform;
use crate::process::{Process, until_gone};
use crate::servers::postgres::{Suspended, first_process};

/// Longest time for the processes of a killed Postgres to end.
const POSTGRES_GONE: Duration = Duration::from_secs(10);

/// Longest time for which a broker accepts messages for a deleted topic.
const TOPIC_GONE: Duration = Duration::from_secs(1);

/// Outcomes of one kind of fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) injected: u64,
    /// Faults not injected for an expected reason, such as a target that was down already.
    pub(crate) not_possible: u64,
    /// Faults that failed for any other reason: each is a difference.
    pub(crate) failed: u64,
}

/// A deleted topic, whose events up to a position may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeletedTopic {
    pub(crate) stream_type: String,
    pub(crate) up_to: i64,
}

/// Injects faults.
#[derive(Debug)]
pub(crate) struct Injector {
    platform: Arc<Platform>,
    differences: Differences,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    counts: BTreeMap<String, Count>,
    deleted_topics: Vec<DeletedTopic>,
}

impl Injector {
    /// Creates an injector that records to a new file.
    pub(crate) fn new(
        platform: Arc<Platform>,
        differences: Differences,
        record: &Path,
    ) -> anyhow::Result<Self> {
        let file = File::create_new(record)?;
        let state = State {
            file,
            counts: BTreeMap::new(),
            deleted_topics: Vec::new(),
        };
        Ok(Self {
            platform,
            differences,
            state: Mutex::new(state),
        })
    }

    /// The outcomes by kind of fault.
    pub(crate) fn counts(&self) -> BTreeMap<String, Count> {
        self.state().counts.clone()
    }

    /// The topics that were deleted.
    pub(crate) fn deleted_topics(&self) -> Vec<DeletedTopic> {
        self.state().deleted_topics.clone()
    }

    /// Injects the whole plan. Returns when the last fault has ended.
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
        let mut state = self.state();
        let count = state.counts.entry(kind.clone()).or_default();
        match outcome {
            Ok(()) => count.injected += 1,
            Err(error) if not_possible::is_expected(&error) => {
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
        writeln!(state.file, "{line}")?;
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
                let suspended =
                    Suspended::new(first.ok_or_else(|| NotPossible::new("Postgres is down"))?);
                sleep(Duration::from_millis(*lasts)).await;
                drop(suspended);
                Ok(())
            }
            Fault::PauseBackend { lasts } => {
                let suspended = Suspended::new(self.backend_at_work().await?);
                sleep(Duration::from_millis(*lasts)).await;
                drop(suspended);
                Ok(())
            }
            Fault::KillKafka { down } => end_and_start(self.kafka()?, Signal::KILL, *down).await,
            Fault::PauseKafka { lasts } => pause(self.kafka()?, *lasts).await,
            Fault::IdleTransaction { lasts, end } => self.idle_transaction(*lasts, *end).await,
            Fault::DrawnInVain { how, numbers } => self.draw_in_vain(*how, *numbers).await,
            Fault::FullDisk { lasts } => {
                let disk = &self.platform.disk;
                if !disk.can_be_filled() {
                    return Err(NotPossible::new("mounting is not permitted here").into());
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
        let first = first.ok_or_else(|| NotPossible::new("Postgres is down"))?;
        if kill_process(first, signal).is_err() {
            return Err(NotPossible::new("Postgres has just ended").into());
        }
        if !until_gone(first, POSTGRES_GONE).await {
            // Postgres is stopped by SIGSTOP, or `up` is and does not reap it.
            return Err(NotPossible::new("Postgres does not end").into());
        }
        Ok(())
    }

    async fn redeliver(&self, messages: i64, target: Target) -> anyhow::Result<()> {
        let process = self.process(target)?;
        if !process.end(Signal::KILL).await? {
            return Err(NotPossible::new(format!("{} is down", process.name())).into());
        }
        let moved = async {
            let mut connection = self.platform.address.connect().await?;
            // In the order of the consumers, which would be in a deadlock otherwise.
            sqlx::query(
                "with locked as ( \
                     select consumer, generation, shard from es.checkpoints \
                     where kafka_offset is not null \
                     order by consumer, generation, shard for no key update) \
                 update es.checkpoints set kafka_offset = greatest(kafka_offset - $1, 0) \
                 from locked where (checkpoints.consumer, checkpoints.generation, checkpoints.shard) \
                     = (locked.consumer, locked.generation, locked.shard)",
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
        // Later messages go to the new topic. The head is read afterwards, because messages in flight may be
        // lost with the old topic, which the broker removes a moment later.
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
        self.state()
            .deleted_topics
            .push(DeletedTopic { stream_type, up_to });
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}

async fn end_and_start(process: &Process, signal: Signal, down: u64) -> anyhow::Result<()> {
    let ran = process.end(signal).await?;
    sleep(Duration::from_millis(down)).await;
    process.start().await?;
    if !ran {
        return Err(NotPossible::new(format!("{} was down already", process.name())).into());
    }
    Ok(())
}

async fn pause(process: &Process, lasts: u64) -> anyhow::Result<()> {
    let paused = process.pause();
    let paused = paused.ok_or_else(|| NotPossible::new(format!("{} is down", process.name())))?;
    sleep(Duration::from_millis(lasts)).await;
    drop(paused);
    Ok(())
}
