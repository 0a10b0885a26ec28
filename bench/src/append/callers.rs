//! Callers that send one command after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use chrono::Utc;
use commands::cluster::NewCluster;
use commands::context::Context;
use commands::droplet::NewDroplet;
use commands::error::CommandError;
use commands::execute::Commands;
use commands::job::NewJob;
use domain::cluster::NodeLimits;
use domain::droplet::{DropletUpdate, Provisioner};
use domain::ids::{ClusterId, CommandId, CorrelationId, DropletId, JobId, OrgId};
use domain::job::{JobSubject, JobUpdate, Runner};
use domain::name::{ClusterName, DropletName, JobKind, WorkerName};
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use domain::tag::Tag;
use event_store::consume::wake::Wake;
use event_store::envelope::{RequestSource, StreamId};
use event_store::incarnation::Incarnations;
use event_store::write::group::Appender;
use serde_json::Map;
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::metadata::new_id;

/// A kind of command with one event.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// The next event of a droplet, each caller with its own.
    Existing,
    /// The first event of a job. Its droplet is read, and must not change before the commit.
    New,
    /// The next event of one droplet, of which no two callers may write the same version.
    Hot,
}

/// The callers, each with a droplet of its own, of one process.
pub(crate) struct Callers {
    commands: Commands,
    droplets: Vec<DropletId>,
    accepted: Arc<AtomicU64>,
    _group: JoinSet<()>,
}

/// The figures of one run.
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) mean_millis: f64,
}

impl Work {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Existing => "existing stream",
            Self::New => "new stream",
            Self::Hot => "hot stream",
        }
    }
}

impl Callers {
    /// Provisions the droplets.
    ///
    /// # Errors
    /// When a command is refused.
    pub(crate) async fn prepare(pool: PgPool, count: u16) -> anyhow::Result<Self> {
        let (appender, group) = Appender::new(pool.clone(), Wake::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(group.run());
        let commands = Commands::new(pool.clone(), appender, Incarnations::of(pool));
        let mut droplets = Vec::new();
        for number in 0..count {
            let id = DropletId::new(new_id());
            commands
                .provision_droplet(&context()?, droplet(id, number)?)
                .await?;
            droplets.push(id);
        }
        Ok(Self {
            commands,
            droplets,
            accepted: Arc::default(),
            _group: tasks,
        })
    }

    /// Provisions, tags and deletes one more droplet: four commands with an event each.
    ///
    /// # Errors
    /// When a command is refused.
    pub(crate) async fn droplet_that_was_deleted(&self) -> anyhow::Result<StreamId> {
        let id = DropletId::new(new_id());
        let commands = &self.commands;
        commands
            .provision_droplet(&context()?, droplet(id, u16::MAX)?)
            .await?;
        let tag = Tag::parse("env:prod")?;
        commands
            .droplet(&context()?, id, DropletUpdate::Tag { tag })
            .await?;
        commands
            .delete_droplet(&context()?, id, JobId::new(new_id()))
            .await?;
        commands
            .droplet(&context()?, id, DropletUpdate::ReportDeleted)
            .await?;
        Ok(id.into())
    }

    /// Submits one more job, which starts, progresses and succeeds: four commands with an event each.
    ///
    /// # Errors
    /// When a command is refused.
    pub(crate) async fn job_that_succeeded(&self) -> anyhow::Result<StreamId> {
        let id = JobId::new(new_id());
        run_job(&self.commands, id, self.droplets[0], context).await?;
        Ok(id.into())
    }

    /// The commands that the callers send.
    pub(crate) fn commands(&self) -> &Commands {
        &self.commands
    }

    /// The droplet of the first caller.
    pub(crate) fn first(&self) -> DropletId {
        self.droplets[0]
    }

    /// Lets the first callers send commands for a while.
    ///
    /// # Errors
    /// When a command is refused.
    pub(crate) async fn measure(
        &self,
        work: Work,
        callers: u16,
        length: Duration,
    ) -> anyhow::Result<Measured> {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for (number, &droplet) in self.droplets[..callers.into()].iter().enumerate() {
            let commands = self.commands.clone();
            let droplet = match work {
                Work::Hot => self.droplets[0],
                Work::Existing | Work::New => droplet,
            };
            let tag = Tag::parse(format!("bench-{number}"))?;
            tasks.spawn(send(commands, work, droplet, tag, started + length));
        }
        let sent: Vec<anyhow::Result<u64>> = tasks.join_all().await;
        let sent: u64 = sent.into_iter().sum::<anyhow::Result<u64>>()?;
        let elapsed = started.elapsed().as_secs_f64();
        self.accepted.fetch_add(sent, Ordering::Relaxed);
        Ok(Measured {
            per_second: sent as f64 / elapsed,
            mean_millis: elapsed * f64::from(callers) * 1_000.0 / sent as f64,
        })
    }

    /// Provisions droplets of a new cluster with room for some, with as many callers as there are, until it is full.
    /// Returns the droplets a second.
    ///
    /// # Errors
    /// When another number of droplets is accepted.
    pub(crate) async fn fill_cluster(&self, room: u32) -> anyhow::Result<f64> {
        let cluster = ClusterId::new(new_id());
        let new = NewCluster {
            id: cluster,
            name: ClusterName::parse(format!("bench-{}", &cluster.to_string()[24..]))?,
            description: String::new(),
            limits: NodeLimits {
                minimum: 0,
                maximum: room,
            },
        };
        self.commands.create_cluster(&context()?, new).await?;
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in &self.droplets {
            let commands = self.commands.clone();
            tasks.spawn(async move {
                let mut accepted = 0;
                loop {
                    let id = DropletId::new(new_id());
                    let new = NewDroplet {
                        cluster: Some(cluster),
                        name: DropletName::parse(format!("bench-{}", &id.to_string()[24..]))?,
                        ..droplet(id, 0)?
                    };
                    match commands.provision_droplet(&context()?, new).await {
                        Ok(_) => accepted += 1,
                        Err(CommandError::Rejected(_)) => return anyhow::Ok(accepted),
                        Err(error) => return Err(error.into()),
                    }
                }
            });
        }
        let accepted: Vec<anyhow::Result<u32>> = tasks.join_all().await;
        let accepted: u32 = accepted.into_iter().sum::<anyhow::Result<u32>>()?;
        ensure!(
            accepted == room,
            "{accepted} droplets were accepted, and {room} have room"
        );
        Ok(f64::from(accepted) / started.elapsed().as_secs_f64())
    }

    /// Compares the number of accepted commands with that of stored events.
    ///
    /// # Errors
    /// A missing event, or one too many.
    pub(crate) async fn check(&self, owner: &PgPool) -> anyhow::Result<()> {
        let stored: i64 = sqlx::query_scalar("select count(*) from es.events where org_id = $1")
            .bind(ORG)
            .fetch_one(owner)
            .await?;
        // Each droplet was requested before.
        let expected = self.accepted.load(Ordering::Relaxed) + self.droplets.len() as u64;
        ensure!(
            stored.cast_unsigned() == expected,
            "{expected} events were acknowledged, and {stored} are stored"
        );
        Ok(())
    }
}

async fn send(
    commands: Commands,
    work: Work,
    droplet: DropletId,
    tag: Tag,
    until: Instant,
) -> anyhow::Result<u64> {
    let mut sent = 0;
    while Instant::now() < until {
        let context = context()?;
        match work {
            Work::Existing | Work::Hot => {
                let tag = tag.clone();
                let update = if sent % 2 == 0 {
                    DropletUpdate::Tag { tag }
                } else {
                    DropletUpdate::Untag { tag }
                };
                commands.droplet(&context, droplet, update).await?
            }
            Work::New => {
                let id = JobId::new(new_id());
                commands.submit_job(&context, id, job(droplet)?).await?
            }
        };
        sent += 1;
    }
    if matches!(work, Work::Existing | Work::Hot) && sent % 2 == 1 {
        let update = DropletUpdate::Untag { tag };
        commands.droplet(&context()?, droplet, update).await?;
        sent += 1;
    }
    Ok(sent)
}

/// Submits a job, which starts, progresses and succeeds: four commands with an event each.
///
/// # Errors
/// When a command is refused.
pub(crate) async fn run_job(
    commands: &Commands,
    id: JobId,
    droplet: DropletId,
    context: impl Fn() -> anyhow::Result<Context>,
) -> anyhow::Result<()> {
    commands.submit_job(&context()?, id, job(droplet)?).await?;
    let worker = WorkerName::parse("worker-7")?;
    let message = Some("copying files".to_owned());
    for update in [
        JobUpdate::Start { worker },
        JobUpdate::Progress {
            percent: 50,
            message,
        },
        JobUpdate::Succeed { result: None },
    ] {
        commands.job(&context()?, id, update).await?;
    }
    Ok(())
}

/// The organization of the callers.
pub(crate) const ORG: &str = "bench";

pub(crate) fn context() -> anyhow::Result<Context> {
    Ok(Context {
        org: OrgId::parse(ORG)?,
        actor: "bench".to_owned(),
        credential: None,
        command_id: CommandId::new(new_id()),
        correlation_id: CorrelationId::new(new_id()),
        causation_id: None,
        traceparent: None,
        source: RequestSource::Api,
        #[expect(
            clippy::disallowed_methods,
            reason = "a benchmark is an edge: the time enters here"
        )]
        occurred_at: Utc::now(),
        idempotency_key: None,
    })
}

/// A droplet that gets no events on its own.
fn droplet(id: DropletId, number: u16) -> anyhow::Result<NewDroplet> {
    Ok(NewDroplet {
        id,
        job: JobId::new(new_id()),
        name: DropletName::parse(format!("bench-{number}"))?,
        size: SizeSlug::parse("s-1vcpu-1gb")?,
        region: RegionSlug::parse("nyc3")?,
        image: ImageSlug::parse("ubuntu-24-04-x64")?,
        tags: Vec::new(),
        cluster: None,
        provisioner: Provisioner::Agent,
    })
}

fn job(droplet: DropletId) -> anyhow::Result<NewJob> {
    Ok(NewJob {
        kind: JobKind::parse("batch")?,
        subject: JobSubject::Droplet(droplet),
        parameters: Map::new(),
        runner: Runner::Agent,
        attempts: 1,
    })
}
