//! Callers that send one command after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use chrono::Utc;
use commands::context::Context;
use commands::droplet::NewDroplet;
use commands::execute::Commands;
use commands::job::NewJob;
use domain::droplet::{DropletUpdate, Provisioner};
use domain::ids::{CommandId, CorrelationId, DropletId, JobId, OrgId};
use domain::job::{JobSubject, Runner};
use domain::name::{DropletName, JobKind};
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use domain::tag::Tag;
use event_store::consume::wake::Wake;
use event_store::envelope::RequestSource;
use event_store::incarnation::Incarnations;
use event_store::write::group::Appender;
use serde_json::Map;
use sqlx::PgPool;
use tokio::task::JoinSet;
use uuid::Uuid;

/// A kind of command with one event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    /// The next event of a droplet, each caller with its own.
    Existing,
    /// The first event of a job. Its droplet is read, and must not change before the commit.
    New,
}

/// The callers, each with a droplet of its own, of one process.
pub(super) struct Callers {
    commands: Commands,
    droplets: Vec<DropletId>,
    accepted: Arc<AtomicU64>,
    _group: JoinSet<()>,
}

/// The figures of one run.
pub(super) struct Measured {
    pub(super) per_second: f64,
    pub(super) mean_millis: f64,
}

impl Work {
    pub(super) const ALL: [Self; 2] = [Self::Existing, Self::New];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Existing => "existing stream",
            Self::New => "new stream",
        }
    }
}

impl Callers {
    /// Provisions the droplets.
    ///
    /// # Errors
    /// When a command is refused.
    pub(super) async fn prepare(pool: PgPool, count: u16) -> anyhow::Result<Self> {
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

    /// Lets the first callers send commands for a while.
    ///
    /// # Errors
    /// When a command is refused.
    pub(super) async fn measure(
        &self,
        work: Work,
        callers: u16,
        length: Duration,
    ) -> anyhow::Result<Measured> {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for &droplet in &self.droplets[..callers.into()] {
            let commands = self.commands.clone();
            tasks.spawn(send(commands, work, droplet, started + length));
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

    /// Compares the number of accepted commands with that of stored events.
    ///
    /// # Errors
    /// When an event is missing, or one is too many.
    pub(super) async fn check(&self, owner: &PgPool) -> anyhow::Result<()> {
        let stored: i64 = sqlx::query_scalar(
            "select count(*) from es.events where org_id = $1 \
             and event_type not in ('droplet_provision_requested')",
        )
        .bind(ORG)
        .fetch_one(owner)
        .await?;
        // Each droplet was provisioned with a job.
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
    until: Instant,
) -> anyhow::Result<u64> {
    let tag = Tag::parse("bench")?;
    let mut sent = 0;
    while Instant::now() < until {
        let context = context()?;
        match work {
            Work::Existing => {
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
    if matches!(work, Work::Existing) && sent % 2 == 1 {
        let update = DropletUpdate::Untag { tag };
        commands.droplet(&context()?, droplet, update).await?;
        sent += 1;
    }
    Ok(sent)
}

/// The organization of the callers.
const ORG: &str = "bench";

fn context() -> anyhow::Result<Context> {
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
        name: DropletName::parse(&format!("bench-{number}"))?,
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

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is an edge: ids enter here"
)]
fn new_id() -> Uuid {
    Uuid::now_v7()
}
