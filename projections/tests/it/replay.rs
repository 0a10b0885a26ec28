//! Replaying from zero gives the same rows, byte for byte, however the events are cut into batches
//! and whichever workers apply them.

use std::sync::Arc;

use domain::droplet::DropletEvent;
use domain::job::JobSubject;
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::consume::checkpoint::{self, Move};
use event_store::consume::consumer::{Consumer, apply_batch};
use event_store::consume::source::{Batch, ConsumerId};
use event_store::envelope::{Position, Positioned, Shard, StoredEvent, StreamId};
use event_store::log;
use testkit::events::new_stream;

use crate::world::{World, Writer, requested_as, sample, submitted};

#[tokio::test]
async fn the_size_of_batches_does_not_show() {
    let world = World::new().await;
    record_lives(&world, 24).await;
    world.catch_up().await;
    let from_the_log = world.dump().await;
    let events = events(&world).await;
    for size in [1, 7, events.len()] {
        forget(&world).await;
        for projection in projections::all() {
            let shards = Shard::all(projection.stream_types());
            replay(&world, projection.as_ref(), &shards, &events, size).await;
        }
        assert_eq!(world.dump().await, from_the_log, "in batches of {size}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_of_different_shards_do_not_meet() {
    let world = World::new().await;
    record_lives(&world, 40).await;
    world.catch_up().await;
    let from_the_log = world.dump().await;
    let events = events(&world).await;
    forget(&world).await;
    for projection in projections::all() {
        let projection = projection.as_ref();
        let shards = Shard::all(projection.stream_types());
        let (even, odd): (Vec<_>, Vec<_>) = shards.into_iter().partition(|s| s.0 % 2 == 0);
        tokio::join!(
            replay(&world, projection, &even, &events, 3),
            replay(&world, projection, &odd, &events, 3),
        );
    }
    assert_eq!(world.dump().await, from_the_log);
}

/// Records that many droplets, jobs and clusters of `acme`, whose events are interleaved, and which
/// end in many ways.
pub(crate) async fn record_lives(world: &World, count: usize) -> Writer {
    let mut writer = Writer::new(world, "acme");
    let mut lives: Vec<(StreamId, Vec<Event>)> = Vec::new();
    for n in 0..count {
        let droplet = new_stream(StreamType::DROPLET);
        lives.push((droplet, droplet_life(n)));
        let subject = JobSubject::Droplet(domain::ids::DropletId::new(droplet.uuid));
        lives.push((new_stream(StreamType::JOB), job_life(n, subject)));
        lives.push((new_stream(StreamType::CLUSTER), cluster_life(n)));
    }
    // One event of every life in turn.
    let longest = lives.iter().map(|(_, life)| life.len()).max();
    for step in 0..longest.unwrap_or_default() {
        for (stream, life) in &lives {
            if let Some(event) = life.get(step) {
                writer.record(*stream, [event.clone()]).await;
            }
        }
    }
    writer
}

fn droplet_life(n: usize) -> Vec<Event> {
    let size = ["s-1vcpu-1gb", "c-2", "s-2vcpu-4gb"][n % 3];
    let region = ["nyc3", "fra1"][n % 2];
    let request = requested_as(&format!("web-{n}"), size, region, &["qos:LS"]);
    let rest: &[&str] = match n % 6 {
        0 => &[],
        1 => &["droplet_activated", "droplet_tagged", "droplet_renamed"],
        2 => &["droplet_provisioning_failed"],
        3 => &[
            "droplet_protected",
            "droplet_unprotected",
            "droplet_deletion_requested",
        ],
        4 => &[
            "droplet_activated",
            "droplet_deletion_requested",
            "droplet_deleted",
        ],
        _ => &[
            "droplet_untagged",
            "droplet_deletion_requested",
            "droplet_deleted",
        ],
    };
    let request = Event::from(DropletEvent::from(request));
    let rest = rest.iter().map(|event_type| sample(event_type));
    std::iter::once(request).chain(rest).collect()
}

fn job_life(n: usize, subject: JobSubject) -> Vec<Event> {
    let kind = ["batch", "scan", "provision"][n % 3];
    let rest: &[&str] = match n % 5 {
        0 => &[],
        1 => &["job_started", "job_progressed", "job_progressed"],
        2 => &["job_started", "job_progressed", "job_succeeded"],
        3 => &["job_started", "job_failed"],
        _ => &["job_cancelled"],
    };
    let submission = domain::job::JobEvent::from(submitted(kind, subject));
    let rest = rest.iter().map(|event_type| sample(event_type));
    std::iter::once(submission.into()).chain(rest).collect()
}

fn cluster_life(n: usize) -> Vec<Event> {
    let rest: &[&str] = match n % 4 {
        0 => &[],
        1 => &["cluster_renamed", "cluster_described"],
        2 => &["cluster_node_limits_changed", "cluster_maintenance_started"],
        _ => &[
            "cluster_maintenance_started",
            "cluster_maintenance_ended",
            "cluster_deleted",
        ],
    };
    let life = std::iter::once(&"cluster_created").chain(rest);
    life.map(|event_type| sample(event_type)).collect()
}

async fn events(world: &World) -> Vec<Positioned<StoredEvent>> {
    log::read(&world.pool, Position::START, 10_000)
        .await
        .expect("the log can be read")
}

/// Empties the read models and forgets how far they were.
async fn forget(world: &World) {
    for statement in [
        "truncate droplets_1.droplets, jobs_1.jobs, clusters_1.clusters, \
         activity_1.activity, activity_1.activity_names, counts_1.counts, counts_1.counted",
        "delete from es.checkpoints",
    ] {
        sqlx::query(statement)
            .execute(&world.pool)
            .await
            .expect("is forgotten");
    }
}

/// Applies the events of some shards from zero, in batches of `size`.
async fn replay(
    world: &World,
    projection: &dyn Consumer,
    shards: &[Shard],
    events: &[Positioned<StoredEvent>],
    size: usize,
) {
    let id = ConsumerId {
        name: projection.name(),
        generation: world.follow(projection).await,
    };
    let mut checkpoints = checkpoint::load(&world.pool, id, shards)
        .await
        .expect("the checkpoints are created");
    let of_shards: Vec<_> = events
        .iter()
        .filter(|event| shards.contains(&event.event.stream.shard()))
        .cloned()
        .collect();
    for batch in of_shards.chunks(size) {
        let to = batch.last().expect("chunks are not empty").position;
        // A shard whose first event comes later stands there already.
        let mut moves = Vec::new();
        for (&shard, checkpoint) in &mut checkpoints {
            if checkpoint.position < to {
                moves.push(Move {
                    shard,
                    from: checkpoint.position,
                    to,
                    kafka_offset: None,
                });
                checkpoint.position = to;
            }
        }
        let batch = Batch {
            has_more: false,
            generation: id.generation,
            incarnation: None,
            events: batch.iter().cloned().map(Arc::new).collect(),
            moves,
        };
        apply_batch(&world.pool, projection, &batch)
            .await
            .expect("the batch is applied");
    }
}
