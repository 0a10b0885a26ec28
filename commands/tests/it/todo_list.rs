//! The to-do list of the platform's runner is rebuilt when its version is raised.

use async_trait::async_trait;
use commands::job::NewJob;
use commands::process::job_runner::TodoList;
use domain::ids::JobId;
use domain::job::{JobUpdate, Runner};
use domain::name::JobKind;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer, Rebuild, apply_batch};
use event_store::consume::generation::{self, ConsumerMode};
use event_store::consume::source::{LogSource, Source};
use event_store::consume::wake::{POLL, Signal};
use event_store::envelope::{Positioned, Recorded};
use sqlx::{PgConnection, PgPool};
use testkit::events::sequence;
use uuid::Uuid;

use crate::support::{Platform, droplet, job_on, new_job, request};

/// The list by code of a higher version.
struct NewerList(TodoList);

#[async_trait]
impl Consumer for NewerList {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn version(&self) -> i32 {
        self.0.version() + 1
    }

    fn rebuild(&self) -> Rebuild {
        self.0.rebuild()
    }

    fn stream_types(&self) -> &'static [StreamType] {
        self.0.stream_types()
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        self.0.apply(transaction, events).await
    }
}

/// Applies the whole log, as a process that starts.
async fn follow(pool: &PgPool, list: &dyn Consumer) {
    let mode = generation::mode(pool, list)
        .await
        .expect("Postgres answers");
    let ConsumerMode::Follow(generation) = mode else {
        panic!("it does nothing: {mode:?}");
    };
    let (name, types) = (list.name(), list.stream_types());
    let mut source = LogSource::new(pool.clone(), name, types, Signal::new(), POLL);
    source.rewind(generation).await.expect("Postgres answers");
    let batch = source.next().await.expect("reads");
    apply_batch(pool, list, &batch).await.expect("is applied");
}

async fn jobs(pool: &PgPool) -> Vec<(Uuid, String, Option<Uuid>)> {
    sqlx::query_as("select job_id, kind, claimed_by from process.todo order by position")
        .fetch_all(pool)
        .await
        .expect("Postgres answers")
}

#[tokio::test]
async fn a_raised_version_rebuilds_the_list_and_leaves_claims_alone() {
    let mut platform = Platform::new().await;
    let (pool, commands) = (platform.pool(), platform.process());
    let new = droplet("web-1");
    let on = new.id;
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    let mut submitted = Vec::new();
    for kind in ["backup", "scan", "cleanup"] {
        let (id, job) = (new_job(), job_on(on, Runner::Platform));
        let kind = JobKind::parse(kind).expect("a kind");
        commands
            .submit_job(&request(), id, NewJob { kind, ..job })
            .await
            .expect("it is accepted");
        submitted.push(id);
    }
    let [waiting, claimed, ended]: [JobId; 3] = submitted.try_into().expect("there are three");
    let cancel = JobUpdate::Cancel {
        reason: "a test".to_owned(),
    };
    commands
        .job(&request(), ended, cancel)
        .await
        .expect("it is accepted");
    sequence(&pool).await;
    let list = TodoList::new(Signal::new());
    follow(&pool, &list).await;
    let kind = |kind: &str| kind.to_owned();
    let all = [
        (waiting.as_uuid(), kind("backup"), None),
        (claimed.as_uuid(), kind("scan"), None),
    ];
    assert_eq!(jobs(&pool).await, all);

    // One is being worked on, and both have values that the newer code makes otherwise; something is there
    // that must not be.
    let worker = Uuid::from_u128(7);
    for change in [
        "update process.todo set kind = 'old'",
        "update process.todo set claimed_by = $1 where position = (select max(position) from process.todo)",
        "insert into process.todo select gen_random_uuid(), org_id, droplet_id, kind, event_id, \
             correlation_id, position - 1 from process.todo where claimed_by = $1",
    ] {
        let changed = sqlx::query(change);
        let changed = if change.contains("$1") {
            changed.bind(worker)
        } else {
            changed
        };
        changed.execute(&pool).await.expect("is changed");
    }
    follow(&pool, &NewerList(list)).await;
    let all = [
        (waiting.as_uuid(), kind("backup"), None),
        (claimed.as_uuid(), kind("scan"), Some(worker)),
    ];
    assert_eq!(jobs(&pool).await, all);
}
