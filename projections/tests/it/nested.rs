//! Lists of several parents in one statement, and living resources by their names.

use domain::droplet::{DropletDeleted, DropletDeletionRequested, DropletEvent};
use domain::event::DomainEvent;
use domain::ids::{DropletId, JobId};
use domain::job::{JobStatus, JobSubject};
use projections::clusters::Clusters;
use projections::columns::Columns;
use projections::droplets::Droplets;
use projections::jobs::Jobs;
use projections::jobs::query::{JobFilter, JobOrder};
use projections::page::{Direction, Page, Take};
use testkit::events::new_stream;
use testkit::statements;
use uuid::Uuid;

use crate::world::{World, Writer, first, org, requested, sample, submitted};

const COLUMN: &str = "droplet_id";

/// Three droplets with 0, 1 and 4 jobs, and another organization's with one.
async fn world_of_jobs() -> (World, Writer, Vec<DropletId>, Vec<JobId>) {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let (mut droplets, mut jobs) = (Vec::new(), Vec::new());
    for count in [0, 1, 4] {
        let droplet = writer.droplet(requested(&format!("web-{count}"))).await;
        for _ in 0..count {
            let submitted = submitted("batch", JobSubject::Droplet(droplet));
            jobs.push(writer.job(submitted).await);
        }
        droplets.push(droplet);
    }
    writer.record(jobs[2].into(), [sample("job_started")]).await;
    let mut other = Writer::new(&world, "other");
    other
        .job(submitted("batch", JobSubject::Droplet(droplets[1])))
        .await;
    world.catch_up().await;
    (world, writer, droplets, jobs)
}

#[tokio::test]
async fn every_parent_has_its_page_in_one_statement() {
    let (world, writer, droplets, jobs) = world_of_jobs().await;
    let reader = &world.reader;
    // Twice the same parent, and one that is not there.
    let parents = [
        droplets[2],
        droplets[0],
        DropletId::new(Uuid::nil()),
        droplets[1],
        droplets[2],
    ];
    let parents = parents.map(|droplet| droplet.as_uuid());
    let filter = JobFilter::default();
    let read = async |page: &Page<JobOrder>| {
        let slices = reader.pages_by::<Jobs>(&writer.org, COLUMN, &parents, &filter, page);
        slices.await.expect("reads")
    };
    for direction in [Direction::Ascending, Direction::Descending] {
        for take in [
            Take::First(0),
            Take::First(2),
            Take::Last(3),
            Take::First(100),
        ] {
            let page = Page::of(take, JobOrder::CreatedAt, direction);
            read(&page).await;
            statements::collect();
            let slices = read(&page).await;
            assert_eq!(statements::take().len(), 1);
            // As if each had been read alone.
            for (slice, parent) in slices.iter().zip(parents) {
                let filter = JobFilter {
                    droplet: Some(DropletId::new(parent)),
                    ..JobFilter::default()
                };
                let alone = reader.page::<Jobs>(&writer.org, &filter, &page).await;
                assert_eq!(*slice, alone.expect("reads"), "{page:?}");
            }
            assert_eq!(slices.len(), parents.len());
        }
    }
    let page = first(2, JobOrder::CreatedAt, Direction::Ascending);
    let begun = read(&page).await.remove(0);
    let after = Page {
        after: begun.items.last().map(|item| item.cursor.text()),
        ..page.clone()
    };
    let next = read(&after).await.remove(0);
    let ids = begun
        .items
        .into_iter()
        .chain(next.items)
        .map(|item| item.node.id);
    assert_eq!(ids.collect::<Vec<_>>(), jobs[1..]);
    let nobody = reader.pages_by::<Jobs>(&writer.org, COLUMN, &[], &filter, &page);
    assert!(nobody.await.expect("reads").is_empty());
}

#[tokio::test]
async fn every_parent_has_its_total_in_one_statement() {
    let (world, writer, droplets, _) = world_of_jobs().await;
    let parents = [droplets[2], droplets[0], droplets[1]].map(|droplet| droplet.as_uuid());
    let running = JobFilter {
        statuses: Some(vec![JobStatus::Running]),
        ..JobFilter::default()
    };
    let warm = world.reader.counts(&writer.org).await;
    warm.expect("reads");
    statements::collect();
    for (filter, expected) in [(JobFilter::default(), [4, 0, 1]), (running, [1, 0, 0])] {
        let totals = world
            .reader
            .totals_by::<Jobs>(&writer.org, COLUMN, &parents, &filter);
        assert_eq!(totals.await.expect("counts"), expected);
    }
    assert_eq!(statements::take().len(), 2);
}

#[tokio::test]
async fn a_name_finds_the_living_resource_that_has_it() {
    let world = World::new().await;
    let mut acme = Writer::new(&world, "acme");
    let reader = &world.reader;
    let found = async |organization: &str, name: &str| {
        let org = org(organization);
        let row = reader.living_by_name::<Droplets>(&org, name, &Columns::All);
        row.await.expect("reads").map(|row| row.id)
    };
    let ends: [Vec<DropletEvent>; 2] = [
        vec![DropletDeletionRequested {}.into(), DropletDeleted {}.into()],
        vec![DropletEvent::samples().remove(2)],
    ];
    for end in ends {
        let gone = acme.droplet(requested("web-1")).await;
        world.catch_up().await;
        assert_eq!(found("acme", "web-1").await, Some(gone));
        acme.record(gone.into(), end).await;
        world.catch_up().await;
        assert_eq!(found("acme", "web-1").await, None);
    }
    let lives = acme.droplet(requested("web-1")).await;
    world.catch_up().await;
    assert_eq!(found("acme", "web-1").await, Some(lives));
    for (organization, name) in [
        ("other", "web-1"),
        ("acme", "Web-1"),
        ("acme", "web"),
        ("acme", ""),
    ] {
        assert_eq!(found(organization, name).await, None, "{name}");
    }
    let stream = new_stream(domain::stream_type::StreamType::CLUSTER);
    acme.record(stream, [sample("cluster_created")]).await;
    world.catch_up().await;
    let cluster = reader.living_by_name::<Clusters>(&acme.org, "blue", &Columns::All);
    let cluster = cluster.await.expect("reads").expect("is there");
    assert_eq!(cluster.id.as_uuid(), stream.uuid);
}
