//! The to-do list of the job runner, written from the events of jobs.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::job::{JobEvent, JobSubject, JobSubmitted, Runner};
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer, Rebuild};
use event_store::consume::wake::Signal;
use event_store::envelope::{Positioned, Recorded};
use sqlx::PgConnection;
use uuid::Uuid;

/// Keeps the jobs that the platform is to run, from the submission of each to its end.
#[derive(Clone, Debug)]
pub struct TodoList {
    wake: Signal,
}

impl TodoList {
    /// Returns a list that raises the signal whenever an item is added.
    #[must_use]
    pub fn new(wake: Signal) -> Self {
        Self { wake }
    }
}

#[async_trait]
impl Consumer for TodoList {
    fn name(&self) -> &'static str {
        "platform"
    }

    fn version(&self) -> i32 {
        1
    }

    /// Clears only the items without a claim. A claimed item shows that the work is under way, and other
    /// jobs wait for it.
    fn rebuild(&self) -> Rebuild {
        Rebuild::InPlace {
            clear: "delete from process.todo where claimed_by is null",
        }
    }

    fn stream_types(&self) -> &'static [StreamType] {
        &[StreamType::JOB]
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        // Within a batch, the last event about each job counts.
        let mut jobs = BTreeMap::new();
        for event in events {
            match meaning(event) {
                Some(meaning) => jobs.insert(event.event.stream.uuid, meaning),
                None => continue,
            };
        }
        let mut ended = Vec::new();
        let mut added = Columns::default();
        for (job, meaning) in jobs {
            match meaning {
                Meaning::Ended => ended.push(job),
                Meaning::ToDo(event, submitted) => added.push(job, event, submitted),
            }
        }
        if !ended.is_empty() {
            sqlx::query("delete from process.todo where job_id = any($1)")
                .bind(ended)
                .execute(&mut *transaction)
                .await?;
        }
        if !added.job.is_empty() {
            added.insert(transaction).await?;
        }
        Ok(())
    }

    fn committed(&self, events: &[Positioned<Recorded>]) {
        let is_to_do = |event| matches!(meaning(event), Some(Meaning::ToDo(..)));
        if events.iter().any(is_to_do) {
            self.wake.raise();
        }
    }
}

/// The effect of an event on the list.
enum Meaning<'e> {
    ToDo(&'e Positioned<Recorded>, &'e JobSubmitted),
    Ended,
}

fn meaning(event: &Positioned<Recorded>) -> Option<Meaning<'_>> {
    let Event::Job(of_job) = &event.event.event else {
        return None;
    };
    match of_job {
        JobEvent::Submitted(submitted) => match submitted.runner {
            Runner::Platform => Some(Meaning::ToDo(event, submitted)),
            Runner::Agent => None,
        },
        JobEvent::Started(_) | JobEvent::Progressed(_) => None,
        JobEvent::Succeeded(_) | JobEvent::Failed(_) | JobEvent::Cancelled(_) => {
            Some(Meaning::Ended)
        }
    }
}

/// New rows, as the columns that the statement unnests.
#[derive(Default)]
struct Columns<'e> {
    job: Vec<Uuid>,
    org: Vec<&'e str>,
    droplet: Vec<Option<Uuid>>,
    kind: Vec<&'e str>,
    event: Vec<Uuid>,
    correlation: Vec<Uuid>,
    position: Vec<i64>,
}

impl<'e> Columns<'e> {
    fn push(&mut self, job: Uuid, event: &'e Positioned<Recorded>, submitted: &'e JobSubmitted) {
        let recorded = &event.event;
        self.job.push(job);
        self.org.push(recorded.org.as_str());
        self.droplet.push(match &submitted.subject {
            JobSubject::Droplet(droplet) => Some(droplet.as_uuid()),
            JobSubject::Cluster(_) => None,
        });
        self.kind.push(submitted.kind.as_str());
        self.event.push(recorded.event_id.as_uuid());
        self.correlation
            .push(recorded.metadata.correlation_id.as_uuid());
        self.position.push(event.position.0);
    }

    async fn insert(self, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "insert into process.todo \
                 (job_id, org_id, droplet_id, kind, event_id, correlation_id, position) \
             select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::uuid[], \
                 $6::uuid[], $7::bigint[]) \
             on conflict (job_id) do update set \
                 org_id = excluded.org_id, droplet_id = excluded.droplet_id, kind = excluded.kind, \
                 event_id = excluded.event_id, correlation_id = excluded.correlation_id, \
                 position = excluded.position",
        )
        .bind(self.job)
        .bind(self.org)
        .bind(self.droplet)
        .bind(self.kind)
        .bind(self.event)
        .bind(self.correlation)
        .bind(self.position)
        .execute(transaction)
        .await?;
        Ok(())
    }
}
