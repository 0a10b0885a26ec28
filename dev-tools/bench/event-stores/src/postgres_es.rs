//! `postgres-es`: aggregates of the framework `cqrs-es`, each command with one event, and no views.

use std::convert::Infallible;
use std::sync::Arc;

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateError, DomainEvent};
use postgres_es::{PostgresCqrs, default_postgress_pool, postgres_cqrs};
use serde::{Deserialize, Serialize};

use crate::{Callers, is_job, metadata, stream};

/// The table of events, from the `init.sql` of the package.
const EVENTS: &str = "create table if not exists events (
    aggregate_type text                         not null,
    aggregate_id   text                         not null,
    sequence       bigint check (sequence >= 0) not null,
    event_type     text                         not null,
    event_version  text                         not null,
    payload        json                         not null,
    metadata       json                         not null,
    primary key (aggregate_type, aggregate_id, sequence)
)";

/// A droplet or a job with a tag.
#[derive(Default, Serialize, Deserialize)]
struct Tagged<const IS_JOB: bool> {
    tag: Option<String>,
}

struct Tag(String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Event {
    DropletTagged { tag: String },
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        "DropletTagged".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl<const IS_JOB: bool> Aggregate for Tagged<IS_JOB> {
    const TYPE: &'static str = if IS_JOB { "job" } else { "droplet" };
    type Command = Tag;
    type Event = Event;
    type Error = Infallible;
    type Services = ();

    async fn handle(
        &mut self,
        Tag(tag): Tag,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Infallible> {
        sink.write(Event::DropletTagged { tag }, self).await;
        Ok(())
    }

    fn apply(&mut self, Event::DropletTagged { tag }: Event) {
        self.tag = Some(tag);
    }
}

struct Caller<const IS_JOB: bool> {
    framework: Arc<PostgresCqrs<Tagged<IS_JOB>>>,
    id: String,
}

pub async fn run(url: &str, work: &str, callers: u16, seconds: u64) -> anyhow::Result<()> {
    let pool = default_postgress_pool(url).await;
    sqlx::raw_sql(EVENTS).execute(&pool).await?;
    let droplets = Arc::new(postgres_cqrs::<Tagged<false>>(pool.clone(), vec![], ()));
    let jobs = Arc::new(postgres_cqrs::<Tagged<true>>(pool, vec![], ()));
    let mut tasks = Callers::for_seconds(seconds);
    for number in 0..callers {
        let id = stream(work, number);
        if work == "own" && is_job(number) {
            let framework = Arc::clone(&jobs);
            tasks.spawn(Caller { framework, id });
        } else {
            let framework = Arc::clone(&droplets);
            tasks.spawn(Caller { framework, id });
        }
    }
    tasks.finish().await
}

impl<const IS_JOB: bool> crate::Caller for Caller<IS_JOB> {
    async fn append(&mut self) -> anyhow::Result<bool> {
        let metadata = metadata().map(|(key, value)| (key.to_owned(), value));
        let executed = self
            .framework
            .execute_with_metadata(&self.id, Tag("bench".to_owned()), metadata.into())
            .await;
        match executed {
            Ok(()) => Ok(true),
            Err(AggregateError::AggregateConflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
