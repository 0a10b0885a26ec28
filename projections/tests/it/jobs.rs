//! Jobs: what events make of a row, and how rows are found.

use domain::ids::{DropletId, JobId};
use domain::job::{JobStatus, JobSubject, JobSubmitted, Runner};
use domain::name::{ClusterName, JobKind};
use projections::columns::Columns;
use projections::jobs::Jobs;
use projections::jobs::query::{JobFilter, JobOrder};
use projections::model::JsonText;
use projections::page::{Direction, Page};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::world::{World, Writer, first, minute, sample, submitted};

#[tokio::test]
async fn a_row_shows_the_last_event_and_equals_the_folded_stream() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let subject = JobSubject::Droplet(DropletId::new(Uuid::from_u128(7)));
    let id = writer.job(submitted("batch", subject)).await;
    for event_type in ["job_started", "job_progressed", "job_succeeded"] {
        writer.record(id.into(), [sample(event_type)]).await;
    }
    world.catch_up().await;
    let row = world
        .reader
        .row::<Jobs>(&writer.org, id, &Columns::All)
        .await
        .expect("reads");
    let row = row.expect("is there");
    assert_eq!((row.status, row.percent), (JobStatus::Succeeded, 100));
    assert_eq!(
        (row.started_at, row.finished_at),
        (Some(minute(2)), Some(minute(4)))
    );
    let result = JsonText::of(&json!({"rows": 42})).expect("is JSON");
    assert_eq!(row.result.as_ref(), Some(&result));
    let written = world
        .reader
        .live_state::<Jobs>(&writer.org, id.into())
        .await;
    assert_eq!(written.expect("folds"), Some(row));
}

#[tokio::test]
async fn json_is_read_as_its_text_and_only_if_it_is_wanted() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let mut submitted = submitted(
        "batch",
        JobSubject::Droplet(DropletId::new(Uuid::from_u128(7))),
    );
    // Numbers that Postgres would write in another way, had it parsed them.
    let numbers = json!([
        1e16,
        -0.0,
        1e308,
        5e-324,
        18_446_744_073_709_551_615_u64,
        0.1
    ]);
    submitted.parameters = Map::from_iter([("numbers".to_owned(), numbers)]);
    let sent = serde_json::to_string(&submitted.parameters).expect("is JSON");
    let id = writer.job(submitted.clone()).await;
    writer.record(id.into(), [sample("job_started")]).await;
    writer.record(id.into(), [sample("job_succeeded")]).await;
    world.catch_up().await;
    let only = Columns::Only(vec!["version".to_owned()]);
    for columns in [Columns::All, only] {
        let page = Page {
            columns: columns.clone(),
            ..first(1, JobOrder::CreatedAt, Direction::Ascending)
        };
        let filter = JobFilter::default();
        let page = world.reader.page::<Jobs>(&writer.org, &filter, &page).await;
        let of_page = page.expect("reads").items.remove(0).node;
        let alone = world.reader.row::<Jobs>(&writer.org, id, &columns).await;
        let alone = alone.expect("reads").expect("is there");
        assert_eq!((of_page.id, of_page.version.0), (id, 3));
        assert_eq!(
            (&of_page.parameters, of_page.percent),
            (&alone.parameters, alone.percent)
        );
        if columns == Columns::All {
            assert_eq!(of_page.parameters.as_str(), sent);
        } else {
            assert_eq!((of_page.parameters, of_page.result), Default::default());
            assert_eq!(of_page.kind.as_str(), "unread");
        }
    }
}

#[tokio::test]
async fn jobs_are_found_by_every_filter() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let droplet = DropletId::new(Uuid::from_u128(7));
    let cluster = ClusterName::parse("blue").expect("is a cluster");
    let batch = writer
        .job(submitted("batch", JobSubject::Droplet(droplet)))
        .await;
    let scan = writer
        .job(submitted("scan", JobSubject::Cluster(cluster.clone())))
        .await;
    let platform = JobSubmitted {
        runner: Runner::Platform,
        ..submitted("provision", JobSubject::Droplet(droplet))
    };
    let platform = writer.job(platform).await;
    writer.record(scan.into(), [sample("job_started")]).await;
    world.catch_up().await;

    let kinds = ["scan", "provision"].map(|kind| JobKind::parse(kind).expect("is a kind"));
    let cases: [(JobFilter, &[JobId]); 8] = [
        (
            JobFilter {
                statuses: Some(Vec::new()),
                ..Default::default()
            },
            &[],
        ),
        (
            JobFilter {
                kinds: Some(Vec::new()),
                ..Default::default()
            },
            &[],
        ),
        (JobFilter::default(), &[batch, scan, platform]),
        (
            JobFilter {
                statuses: Some(vec![JobStatus::Running]),
                ..Default::default()
            },
            &[scan],
        ),
        (
            JobFilter {
                kinds: Some(kinds.to_vec()),
                ..Default::default()
            },
            &[scan, platform],
        ),
        (
            JobFilter {
                droplet: Some(droplet),
                ..Default::default()
            },
            &[batch, platform],
        ),
        (
            JobFilter {
                cluster: Some(cluster),
                ..Default::default()
            },
            &[scan],
        ),
        (
            JobFilter {
                runner: Some(Runner::Agent),
                ..Default::default()
            },
            &[batch, scan],
        ),
    ];
    for (filter, expected) in cases {
        let page = first(10, JobOrder::CreatedAt, Direction::Ascending);
        let slice = world
            .reader
            .page::<Jobs>(&writer.org, &filter, &page)
            .await
            .expect("reads");
        let found: Vec<_> = slice.items.iter().map(|item| item.node.id).collect();
        assert_eq!(found, expected, "{filter:?}");
        let total = world.reader.total::<Jobs>(&writer.org, &filter).await;
        assert_eq!(total.expect("counts"), expected.len() as i64, "{filter:?}");
    }
}
