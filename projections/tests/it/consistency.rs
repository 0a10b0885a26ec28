//! Waiting until what was written can be read.

use std::time::Duration;

use event_store::consume::wake::Wake;
use event_store::envelope::{Position, StreamId, Version};
use futures_util::future::join_all;
use projections::columns::Columns;
use projections::consistency::{Consistency, MOST_WANTED, NotShown, ReadModels, Write};
use projections::droplets::Droplets;
use projections::jobs::Jobs;
use projections::model::Rows;
use projections::registry::COUNTS;
use testkit::events::{record_nonsense, sequence};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::world::{World, Writer, org, requested};

const DROPLETS: ReadModels<'_> = &[&Rows(Droplets), &COUNTS];
const JOBS: ReadModels<'_> = &[&Rows(Jobs)];
const LOG: ReadModels<'_> = &[];

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);
/// Long enough for a look.
const SHORT: Duration = Duration::from_millis(300);

/// A place to wait, and its task.
struct Waiting {
    place: Consistency,
    wake: Wake,
    stop: CancellationToken,
    _task: JoinSet<()>,
}

impl Waiting {
    fn over(world: &World, patience: Duration) -> Self {
        let wake = Wake::default();
        let (place, task) = Consistency::new(world.reader.clone(), wake.clone(), patience);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(task.run(stop.clone()));
        Self {
            place,
            wake,
            stop,
            _task: tasks,
        }
    }
}

fn at(id: impl Into<StreamId>, version: i64) -> [(StreamId, Version); 1] {
    [(id.into(), Version(version))]
}

#[track_caller]
fn lag(waited: Result<(), NotShown>) -> i64 {
    match waited {
        Err(NotShown::NotYet { lag_events }) => lag_events,
        other => panic!("not too early: {other:?}"),
    }
}

#[tokio::test]
async fn who_waits_goes_on_when_the_read_models_have_committed() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    let waiting = Waiting::over(&world, LONG);
    let written = at(id, 1);
    let shown = waiting.place.shown(&writer.org, &written, DROPLETS);
    let (shown, ()) = tokio::join!(shown, async {
        world.catch_up().await;
        waiting.wake.applied.raise();
    });
    shown.expect("it is shown");
    let row = world
        .reader
        .row::<Droplets>(&writer.org, id, &Columns::All)
        .await
        .expect("reads");
    assert!(row.is_some());
}

#[tokio::test]
async fn a_lost_hint_costs_a_moment_only() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    let waiting = Waiting::over(&world, LONG);
    let written = at(id, 1);
    let shown = waiting.place.shown(&writer.org, &written, DROPLETS);
    let (shown, _) = tokio::join!(shown, world.catch_up());
    shown.expect("it is shown");
}

#[tokio::test]
async fn who_waits_too_long_is_told_how_far_behind_the_read_models_are() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    let waiting = Waiting::over(&world, SHORT);
    let place = &waiting.place;
    let written = at(id, 1);
    assert_eq!(lag(place.shown(&writer.org, &written, DROPLETS).await), 1);
    assert_eq!(lag(place.shown(&writer.org, &written, LOG).await), 1);
    sequence(&world.pool).await;
    assert_eq!(lag(place.shown(&writer.org, &written, DROPLETS).await), 1);
    let logged = place.shown(&writer.org, &written, LOG).await;
    logged.expect("it has a position");

    let later = at(id, 2);
    world.catch_up().await;
    assert_eq!(lag(place.shown(&writer.org, &later, DROPLETS).await), 0);
    let shown = place.shown(&writer.org, &written, DROPLETS).await;
    shown.expect("it is shown");
}

#[tokio::test]
async fn a_read_model_that_a_stream_does_not_concern_is_not_waited_for() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    let waiting = Waiting::over(&world, LONG);
    let shown = waiting.place.shown(&writer.org, &at(id, 1), JOBS).await;
    shown.expect("no job was written");
}

#[tokio::test]
async fn streams_of_others_are_as_unknown_as_those_that_do_not_exist() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    let waiting = Waiting::over(&world, LONG);
    let place = &waiting.place;
    let (acme, other) = (&writer.org, &org("other"));
    let nothing = StreamId {
        uuid: uuid::Uuid::nil(),
        ..id.into()
    };
    for by in [DROPLETS, JOBS, LOG] {
        for (org, streams) in [(other, at(id, 1)), (acme, at(nothing, 1))] {
            let refused = place.shown(org, &streams, by).await;
            assert!(
                matches!(refused, Err(NotShown::UnknownStream)),
                "{refused:?}"
            );
        }
    }
    place
        .shown(acme, &[] as &[Write], LOG)
        .await
        .expect("nothing is wanted");
}

#[tokio::test]
async fn a_version_that_cannot_come_is_refused_at_once() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    // Whoever waits here waits for longer than a test may take.
    let waiting = Waiting::over(&world, LONG);
    for by in [DROPLETS, LOG] {
        for version in [100_000, i64::MAX] {
            let refused = waiting.place.shown(&writer.org, &at(id, version), by).await;
            assert!(
                matches!(refused, Err(NotShown::UnknownStream)),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_highest_version_of_a_stream_counts() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    let waiting = Waiting::over(&world, SHORT);
    let both = [at(id, 2), at(id, 1)].concat();
    let early = waiting.place.shown(&writer.org, &both, DROPLETS).await;
    assert_eq!(lag(early), 0);
}

#[tokio::test]
async fn an_organization_waits_for_so_many_versions_and_no_other_pays_for_it() {
    let world = World::new().await;
    let (mut acme, mut other) = (Writer::new(&world, "acme"), Writer::new(&world, "other"));
    let web = acme.droplet(requested("web-1")).await;
    let db = other.droplet(requested("db-1")).await;
    world.catch_up().await;
    let waiting = Waiting::over(&world, LONG);
    let place = &waiting.place;
    let later = at(web, 2);
    let crowd = (0..MOST_WANTED).map(|_| place.shown(&acme.org, &later, LOG));
    let one_more = async {
        let refused = place.shown(&acme.org, &at(web, 1), LOG).await;
        assert!(matches!(refused, Err(NotShown::TooMany)), "{refused:?}");
        let shown = place.shown(&other.org, &at(db, 1), DROPLETS).await;
        shown.expect("the other organization does not wait");
    };
    tokio::select! {
        biased;
        _ = join_all(crowd) => panic!("there is no second version"),
        () = one_more => {}
    }
    let shown = place.shown(&acme.org, &at(web, 1), LOG).await;
    shown.expect("nobody waits any more");
}

#[tokio::test]
async fn the_position_of_a_write_is_that_of_its_last_event() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let first = writer.droplet(requested("web-1")).await;
    let second = writer.droplet(requested("web-2")).await;
    let waiting = Waiting::over(&world, LONG);
    let written = [at(second, 1), at(first, 1)].concat();
    let position = waiting.place.position(&writer.org, &written);
    let (position, ()) = tokio::join!(position, async {
        let head = sequence(&world.pool).await;
        waiting.wake.sequenced.raise_to(head.0);
    });
    assert_eq!(position.expect("they have positions").position, Position(2));
}

#[tokio::test]
async fn who_waits_when_the_process_stops_is_told() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    let waiting = Waiting::over(&world, LONG);
    let written = at(id, 1);
    let shown = waiting.place.shown(&writer.org, &written, DROPLETS);
    let (shown, ()) = tokio::join!(shown, async { waiting.stop.cancel() });
    assert!(matches!(shown, Err(NotShown::Stopping)), "{shown:?}");
}

#[tokio::test]
async fn a_write_that_a_read_model_has_parked_is_refused_at_once() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    record_nonsense(&world.pool, id.as_uuid()).await;
    world.catch_up().await;
    let waiting = Waiting::over(&world, LONG);
    let shown = async |version| {
        let at = at(id, version);
        waiting.place.shown(&writer.org, &at, DROPLETS).await
    };
    assert!(matches!(shown(1).await, Ok(())));
    let parked = shown(2).await;
    assert!(matches!(parked, Err(NotShown::Parked)), "{parked:?}");
    let position = waiting.place.position(&writer.org, &at(id, 2)).await;
    assert!(position.is_ok(), "the log has it: {position:?}");
}
