//! Processes that share a database, commands to send, and what was recorded.

use chrono::Utc;
use commands::cluster::NewCluster;
use commands::context::Context;
use commands::droplet::NewDroplet;
use commands::error::{CommandError, Rejected};
use commands::execute::Commands;
use commands::job::NewJob;
use commands::receipt::Receipt;
use domain::cluster::NodeLimits;
use domain::droplet::{DropletUpdate, Provisioner};
use domain::ids::{ClusterId, CommandId, CorrelationId, DropletId, JobId, OrgId};
use domain::job::{JobSubject, Runner};
use domain::name::{ClusterName, DropletName, JobKind};
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use domain::tag::Tag;
use event_store::consume::wake::Wake;
use event_store::envelope::{RequestSource, StoredEvent, StreamId, Version};
use event_store::incarnation::Incarnations;
use event_store::log;
use event_store::write::group::Appender;
use serde_json::Map;
use sqlx::PgPool;
use testkit::postgres::TestDatabase;
use tokio::task::JoinSet;
use uuid::Uuid;

/// A database and the processes that write to it.
pub(crate) struct Platform {
    pub(crate) database: TestDatabase,
    pub(crate) tasks: JoinSet<()>,
    pub(crate) wake: Wake,
}

impl Platform {
    pub(crate) async fn new() -> Self {
        Self {
            database: TestDatabase::new().await,
            tasks: JoinSet::new(),
            wake: Wake::default(),
        }
    }

    pub(crate) fn pool(&self) -> PgPool {
        self.database.pool()
    }

    /// Commands as a process of its own carries them out: with its own memory and its own appends.
    pub(crate) fn process(&mut self) -> Commands {
        let (appender, group) = Appender::new(self.pool(), self.wake.clone());
        self.tasks.spawn(group.run());
        Commands::new(self.pool(), appender, Incarnations::of(self.pool()))
    }

    /// The events of a stream, by their stored names.
    pub(crate) async fn history(&self, stream: impl Into<StreamId>) -> Vec<String> {
        let events = self.events(stream).await;
        events.into_iter().map(|event| event.event_type).collect()
    }

    pub(crate) async fn events(&self, stream: impl Into<StreamId>) -> Vec<StoredEvent> {
        let events = log::read_stream(&self.pool(), stream.into(), Version::NONE).await;
        events.expect("Postgres answers")
    }

    /// The number of a cluster's live droplets, as it is counted.
    pub(crate) async fn live_droplets(&self, cluster: ClusterId) -> i64 {
        let count = sqlx::query_scalar(
            "select count from es.counters where scope = 'live_droplets_of_cluster' and key = $1",
        );
        let count = count.bind(cluster.to_string());
        let count = count.fetch_optional(&self.pool()).await;
        count.expect("Postgres answers").unwrap_or_default()
    }

    /// How many events there are, of all streams.
    pub(crate) async fn count(&self) -> i64 {
        let count = sqlx::query_scalar("select count(*) from es.events");
        count
            .fetch_one(&self.pool())
            .await
            .expect("Postgres answers")
    }
}

/// A request of a client of `acme`.
pub(crate) fn request() -> Context {
    Context {
        org: OrgId::parse("acme").expect("a good name"),
        actor: "ann".to_owned(),
        credential: None,
        command_id: CommandId::new(Uuid::now_v7()),
        correlation_id: CorrelationId::new(Uuid::now_v7()),
        causation_id: None,
        traceparent: None,
        source: RequestSource::Api,
        occurred_at: Utc::now(),
        idempotency_key: None,
    }
}

pub(crate) fn request_of(org: &str) -> Context {
    let org = OrgId::parse(org).expect("a good name");
    Context { org, ..request() }
}

/// A request that may be sent again.
pub(crate) fn keyed(key: &str) -> Context {
    let idempotency_key = Some(key.to_owned());
    Context {
        idempotency_key,
        ..request()
    }
}

/// What a process manager sends.
pub(crate) fn by_process() -> Context {
    let source = RequestSource::Process;
    Context {
        source,
        ..request()
    }
}

/// A droplet of an agent, with ids of its own.
pub(crate) fn droplet(name: &str) -> NewDroplet {
    NewDroplet {
        id: DropletId::new(Uuid::now_v7()),
        job: JobId::new(Uuid::now_v7()),
        name: DropletName::parse(name).expect("a good name"),
        size: SizeSlug::parse("s-1vcpu-1gb").expect("a slug"),
        region: RegionSlug::parse("nyc3").expect("a slug"),
        image: ImageSlug::parse("ubuntu-24-04-x64").expect("a slug"),
        tags: Vec::new(),
        cluster: None,
        provisioner: Provisioner::Agent,
    }
}

/// A droplet of the platform, with ids of its own.
pub(crate) fn platform_droplet(name: &str) -> NewDroplet {
    NewDroplet {
        provisioner: Provisioner::Platform,
        ..droplet(name)
    }
}

/// A cluster of 0 to 3 droplets, with an id of its own.
pub(crate) fn cluster(name: &str) -> NewCluster {
    NewCluster {
        id: ClusterId::new(Uuid::now_v7()),
        name: ClusterName::parse(name).expect("a good name"),
        description: String::new(),
        limits: NodeLimits {
            minimum: 0,
            maximum: 3,
        },
    }
}

/// A job on a droplet.
pub(crate) fn job_on(droplet: DropletId, runner: Runner) -> NewJob {
    NewJob {
        kind: JobKind::parse("batch").expect("a kind"),
        subject: JobSubject::Droplet(droplet),
        parameters: Map::new(),
        runner,
        attempts: 1,
    }
}

pub(crate) fn new_job() -> JobId {
    JobId::new(Uuid::now_v7())
}

pub(crate) fn tag(text: &str) -> DropletUpdate {
    let tag = Tag::parse(text).expect("a tag");
    DropletUpdate::Tag { tag }
}

pub(crate) fn rename(name: &str) -> DropletUpdate {
    let name = DropletName::parse(name).expect("a good name");
    DropletUpdate::Rename { name }
}

pub(crate) fn active() -> DropletUpdate {
    let addresses = Vec::new();
    DropletUpdate::ReportActive { addresses }
}

pub(crate) fn failed() -> DropletUpdate {
    let reason = "unschedulable".to_owned();
    DropletUpdate::ReportFailed { reason }
}

/// The refusal, which there must be.
#[track_caller]
pub(crate) fn rejected(result: Result<Receipt, CommandError>) -> Rejected {
    match result {
        Err(CommandError::Rejected(rejected)) => rejected,
        other => panic!("a refusal was expected, and there was {other:?}"),
    }
}

/// The code of the refusal, which there must be.
#[track_caller]
pub(crate) fn code(result: Result<Receipt, CommandError>) -> String {
    rejected(result).code.into_owned()
}
