//! Jobs: what events make of a row, and how rows are found.

use domain::ids::{DropletId, JobId};
use domain::job::{JobStatus, JobSubject, JobSubmitted, Runner};
use domain::name::{ClusterName, JobKind};
use projections::jobs::Jobs;
use projections::jobs::query::{JobFilter, JobOrder};
use projections::page::Direction;
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
        .row::<Jobs>(&writer.org, id)
        .await
        .expect("reads");
    let row = row.expect("is there");
    assert_eq!((row.status, row.percent), (JobStatus::Succeeded, 100));
    assert_eq!(
        (row.started_at, row.finished_at),
        (Some(minute(2)), Some(minute(4)))
    );
    assert_eq!(row.result.as_ref().expect("has one")["rows"], 42);
    let written = world
        .reader
        .live_state::<Jobs>(&writer.org, id.into())
        .await;
    assert_eq!(written.expect("folds"), Some(row));
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
    let cases: [(JobFilter, &[JobId]); 6] = [
        (JobFilter::default(), &[batch, scan, platform]),
        (
            JobFilter {
                statuses: vec![JobStatus::Running],
                ..Default::default()
            },
            &[scan],
        ),
        (
            JobFilter {
                kinds: kinds.to_vec(),
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
