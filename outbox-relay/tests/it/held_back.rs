//! Events that Kafka refuses for good: they hold back their own streams and nothing else.

use domain::event::DomainEvent;
use domain::job::{JobEvent, JobProgressed};
use domain::stream_type::StreamType;
use event_store::cloudevent;
use event_store::envelope::{Position, StreamId};
use event_store::log;
use event_store::unpublished::{self, HeldStream, Skip};
use outbox_relay::health::{HeldBack, State};
use sqlx::PgPool;
use testkit::events::{Recorder, new_stream};
use testkit::kafka::kafka_or_skip;
use testkit::postgres::TestDatabase;
use testkit::wait;

use crate::by_hand;
use crate::relay::{Relay, assert_kafka_has_all_but, assert_kafka_has_the_log};

/// Takes every event of the samples alone.
const SMALL: &str = "4096";
/// Takes everything.
const LARGE: &str = "1048576";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_holds_back_its_stream_until_it_is_taken() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    kafka.make_topics_that_take(SMALL).await;
    let relay = Relay::start(&pool, &kafka);

    let stream = new_stream(StreamType::JOB);
    recorder.jobs(100).await;
    recorder
        .record(stream, [first(), too_large(), last()])
        .await;
    recorder.jobs(100).await;
    recorder.droplets(100).await;
    relay.published(&pool).await;
    let held = only_held(&pool, stream).await;
    assert_eq!((held.position, held.waiting), (Position(302), 1));
    let refusal = held.refusal.unwrap();
    assert!(refusal.error.contains("too large"), "{}", refusal.error);
    assert_eq!((refusal.attempts, refusal.retry_requested_at), (1, None));
    assert_kafka_has_all_but(&[Position(302), Position(303)], &kafka, &pool).await;
    assert_eq!(relay.health.snapshot().publisher.state, State::Leading);
    let two = HeldBack {
        streams: 1,
        events: 2,
    };
    relay.until("it is told", |now| now.held_back == two).await;

    // What comes later waits too, and another attempt changes nothing while the topic is as it is.
    recorder.record(stream, [last()]).await;
    recorder.jobs(10).await;
    let head = relay.published(&pool).await;
    assert_eq!(only_held(&pool, stream).await.waiting, 2);
    let asked = unpublished::retry(&pool, stream.uuid).await.unwrap();
    assert_eq!(asked, Some(Position(302)));
    let refused = wait::until("it is refused again", async || {
        let refusal = only_held(&pool, stream).await.refusal.unwrap();
        (refusal.attempts == 2).then_some(refusal)
    })
    .await;
    assert_eq!(refused.retry_requested_at, None);
    assert!(refused.first_at < refused.last_at);

    let topic = kafka.topics().events(StreamType::JOB);
    kafka
        .configure_topic(&topic, "max.message.bytes", LARGE)
        .await;
    everything_is_released(&pool).await;
    assert_kafka_has_all_but(&[], &kafka, &pool).await;
    recorder.record(stream, [last()]).await;
    assert!(relay.published(&pool).await > head);
    assert_kafka_has_all_but(&[], &kafka, &pool).await;
    relay
        .until("it is told", |now| now.held_back == HeldBack::default())
        .await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_skipped_is_never_published_and_those_behind_it_are() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    kafka.make_topics_that_take(SMALL).await;
    let relay = Relay::start(&pool, &kafka);
    let stream = new_stream(StreamType::JOB);
    recorder
        .record(stream, [first(), too_large(), last(), too_large(), last()])
        .await;
    relay.published(&pool).await;
    assert_eq!(only_held(&pool, stream).await.position, Position(2));

    unpublished::retry(&pool, stream.uuid).await.unwrap();
    wait::until("it was tried again", async || {
        let refusal = only_held(&pool, stream).await.refusal?;
        (refusal.attempts == 2 && refusal.retry_requested_at.is_none()).then_some(())
    })
    .await;
    let skip = async || {
        unpublished::skip(&pool, stream.uuid, "kim", "nobody reads it")
            .await
            .unwrap()
    };
    assert_eq!(skip().await, Skip::Skipped(Position(2)));
    wait::until("the next one is refused", async || {
        let held = only_held(&pool, stream).await;
        (held.position == Position(4) && held.refusal.is_some()).then_some(())
    })
    .await;
    assert_kafka_has_all_but(&[Position(2), Position(4), Position(5)], &kafka, &pool).await;
    assert_eq!(skip().await, Skip::Skipped(Position(4)));
    nothing_is_held(&pool).await;
    assert_eq!(skip().await, Skip::NothingRefused);
    relay.stop().await;

    let relay = Relay::start(&pool, &kafka);
    recorder.record(stream, [last()]).await;
    relay.published(&pool).await;
    assert_kafka_has_all_but(&[Position(2), Position(4)], &kafka, &pool).await;
    let skipped = unpublished::skipped(&pool, 10).await.unwrap();
    let decisions: Vec<_> = skipped
        .iter()
        .map(|s| (s.position, s.skipped_by.as_str(), s.reason.as_str()))
        .collect();
    let why = "nobody reads it";
    assert_eq!(
        decisions,
        [(Position(4), "kim", why), (Position(2), "kim", why)]
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_to_be_tried_again_cannot_be_skipped() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let stream = Recorder::new(pool.clone()).jobs(1).await[0];
    testkit::events::sequence(&pool).await;
    sqlx::query(
        "insert into es.unpublished (position, stream_id, error, attempts) \
         values (2, $1, 'too large', 1), (3, $1, null, 0)",
    )
    .bind(stream.uuid)
    .execute(&pool)
    .await
    .unwrap();
    let asked = unpublished::retry(&pool, stream.uuid).await.unwrap();
    assert_eq!(asked, Some(Position(2)));
    let skip = unpublished::skip(&pool, stream.uuid, "kim", "no").await;
    assert_eq!(skip.unwrap(), Skip::RetryUnderWay(Position(2)));
    let held = only_held(&pool, stream).await;
    assert!(held.refusal.unwrap().retry_requested_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_takes_every_event_but_no_batches_of_them_holds_nothing_back() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    kafka.make_topics_that_take(SMALL).await;
    let relay = Relay::start(&pool, &kafka);
    Recorder::new(pool.clone()).jobs(1_000).await;
    relay.published(&pool).await;
    nothing_is_held(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_that_are_killed_while_streams_are_held_back_lose_and_double_nothing() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    kafka.make_topics_that_take(SMALL).await;
    let mut streams = Vec::new();
    for round in 0..4 {
        for _ in 0..3 {
            let stream = new_stream(StreamType::JOB);
            recorder
                .record(stream, [first(), too_large(), last()])
                .await;
            streams.push(stream);
            recorder.jobs(50).await;
        }
        expire_leases(&pool).await;
        let relay = Relay::start(&pool, &kafka);
        relay
            .until("a part is published", |now| {
                now.published.is_some_and(|p| p.0 > round * 459)
            })
            .await;
        relay.kill().await;
    }
    // From here on every attempt succeeds, and is interrupted.
    let topic = kafka.topics().events(StreamType::JOB);
    kafka
        .configure_topic(&topic, "max.message.bytes", LARGE)
        .await;
    for streams in streams.chunks(4) {
        for stream in streams {
            unpublished::retry(&pool, stream.uuid).await.unwrap();
        }
        let before = held_events(&pool).await;
        expire_leases(&pool).await;
        let relay = Relay::start(&pool, &kafka);
        wait::until("something is released or published", async || {
            let now = relay.health.snapshot().published?;
            (held_events(&pool).await != before || now.0 > 0).then_some(())
        })
        .await;
        relay.kill().await;
    }
    expire_leases(&pool).await;
    let relay = Relay::start(&pool, &kafka);
    relay.published(&pool).await;
    everything_is_released(&pool).await;
    assert_kafka_has_all_but(&[], &kafka, &pool).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_let_go_while_they_get_more_events() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let streams = recorder.jobs(100).await;
    testkit::events::sequence(&pool).await;
    sqlx::query(
        "insert into es.unpublished (position, stream_id, attempts) \
         select l.position, e.stream_id, 0 from es.log l join es.events e using (seq) \
         where e.version = 1",
    )
    .execute(&pool)
    .await
    .unwrap();
    let relay = Relay::start(&pool, &kafka);
    let load = async {
        loop {
            for stream in &streams {
                recorder.record(*stream, [last()]).await;
            }
            relay.wake.appended.raise();
        }
    };
    tokio::select! {
        () = nothing_is_held(&pool) => {}
        () = load => {}
    }
    relay.published(&pool).await;
    assert_kafka_has_all_but(&[], &kafka, &pool).await;
    relay.stop().await;
}

/// What a relay may have done of a release when it ends.
#[derive(Clone, Copy, PartialEq)]
enum Release {
    Sent,
    Committed,
    CommittedAndRecordDeleted,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_ended_before_it_committed_a_release_has_released_nothing() {
    a_relay_ends_in_a_release(Release::Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_ended_right_after_committing_a_release_is_understood() {
    a_relay_ends_in_a_release(Release::Committed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_shows_in_the_events_when_its_record_was_deleted() {
    a_relay_ends_in_a_release(Release::CommittedAndRecordDeleted).await;
}

/// The relay ends between the steps of a release; the next one must neither lose nor double an event.
async fn a_relay_ends_in_a_release(done: Release) {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    kafka.make_topics_that_take(SMALL).await;
    let relay = Relay::start(&pool, &kafka);
    let stream = new_stream(StreamType::JOB);
    recorder
        .record(stream, [first(), too_large(), last()])
        .await;
    recorder.droplets(5).await;
    let head = relay.published(&pool).await;
    assert_eq!(only_held(&pool, stream).await.position, Position(2));
    relay.stop().await;

    let topic = kafka.topics().events(StreamType::JOB);
    kafka
        .configure_topic(&topic, "max.message.bytes", LARGE)
        .await;
    unpublished::retry(&pool, stream.uuid).await.unwrap();
    let held = [Position(2), Position(3)];
    let events = log::read_chained(&pool, &held).await.unwrap();
    let messages = events.iter().map(|(event, previous)| {
        let mut message = cloudevent::encode(&kafka.topics(), event, *previous).unwrap();
        let behind = (cloudevent::RELEASED_BEHIND, head.to_string());
        message.headers.push(behind);
        message
    });
    let at_head = log::ids_at(&pool, &[head]).await.unwrap()[&head];
    let released = format!(r#"[{{"stream":"{}","up_to":3}}]"#, stream.uuid);
    let progress =
        format!(r#"{{"position":{head},"event":"{at_head}","epoch":1,"released":{released}}}"#);
    let dying = by_hand::sent(&kafka, messages.collect(), progress).await;
    if done != Release::Sent {
        by_hand::commit(dying).await.expect("it is the only one");
    }
    if done == Release::CommittedAndRecordDeleted {
        kafka.delete_topic(&kafka.topics().progress()).await;
    }

    recorder.record(stream, [last()]).await;
    recorder.droplets(5).await;
    let relay = Relay::start(&pool, &kafka);
    relay.published(&pool).await;
    everything_is_released(&pool).await;
    assert_kafka_has_all_but(&[], &kafka, &pool).await;
    relay.stop().await;
}

fn first() -> JobEvent {
    JobEvent::samples().remove(0)
}

fn last() -> JobEvent {
    JobEvent::samples().remove(2)
}

fn too_large() -> JobEvent {
    JobEvent::Progressed(JobProgressed {
        percent: 50,
        message: Some("x".repeat(20_000)),
    })
}

async fn only_held(pool: &PgPool, stream: StreamId) -> HeldStream {
    let mut held = unpublished::list(pool, 10).await.unwrap();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0].stream, stream);
    held.remove(0)
}

async fn nothing_is_held(pool: &PgPool) {
    wait::until("nothing is held back", async || {
        (held_events(pool).await == 0).then_some(())
    })
    .await;
}

/// Asks for another attempt at everything until all of it is published: a topic may refuse once more
/// before its broker goes by a new setting.
async fn everything_is_released(pool: &PgPool) {
    wait::until("everything is released", async || {
        for held in unpublished::list(pool, 100).await.unwrap() {
            unpublished::retry(pool, held.stream.uuid).await.unwrap();
        }
        (held_events(pool).await == 0).then_some(())
    })
    .await;
}

async fn held_events(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from es.unpublished where skipped_at is null")
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Lets the leases run out at once, as if their time had passed.
async fn expire_leases(pool: &PgPool) {
    sqlx::query("update es.leases set expires_at = '-infinity'")
        .execute(pool)
        .await
        .unwrap();
}
