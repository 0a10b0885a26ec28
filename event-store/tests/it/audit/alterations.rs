//! Events and digests that were altered.

use event_store::envelope::{Position, Version};
use event_store::log::digest;

use super::{Place, Store};

/// The place of the event that tests alter: with a digest, in the middle of things.
const ALTERED: i64 = 321;

/// Alters the event at [`ALTERED`] and gives where it is.
async fn alter(store: &Store, change: &str) -> Place {
    let place = store.at(ALTERED).await;
    store
        .tamper(&format!(
            "update es.events e set {change} from es.log l \
                 where l.seq = e.seq and l.position = {ALTERED}"
        ))
        .await;
    place
}

/// Holds that the digests name the event at a place.
async fn assert_digests_name(store: &Store, place: Place) {
    let found = store.audit().await;
    let first = found["digests"].first.clone().expect("is found");
    assert_eq!(found["digests"].differences, 1);
    assert_eq!(
        (first.position, first.stream, first.version),
        (place.position, place.stream, place.version)
    );
    assert!(
        first.expected.starts_with("the event whose sha256 is "),
        "{first:?}"
    );
    assert!(
        first.found.starts_with("an event with sha256 "),
        "{first:?}"
    );
}

#[tokio::test]
async fn changed_data_is_found_although_it_still_decodes() {
    let store = Store::new().await;
    let place = alter(&store, "data = (data::text || ' ')::json").await;
    let found = store.differences().await;
    assert_eq!(found.keys().collect::<Vec<_>>(), [&"digests"]);
    assert_digests_name(&store, place).await;
}

#[tokio::test]
async fn changed_metadata_is_found_although_it_still_decodes() {
    let store = Store::new().await;
    let place = alter(
        &store,
        "metadata = replace(metadata::text, 'tester', 'nobody')::json",
    )
    .await;
    assert_digests_name(&store, place).await;
}

#[tokio::test]
async fn a_changed_time_is_found() {
    let store = Store::new().await;
    let place = alter(
        &store,
        "recorded_at = recorded_at + interval '1 microsecond'",
    )
    .await;
    assert_digests_name(&store, place).await;
}

#[tokio::test]
async fn a_changed_type_is_found_twice() {
    let store = Store::new().await;
    let place = alter(&store, "event_type = 'job_submitted'").await;
    assert_digests_name(&store, place).await;
    let first = &store.differences().await["events"];
    assert_eq!(first.position, Some(Position(ALTERED)));
    assert!(
        first.expected.contains("decodes as job_submitted"),
        "{first:?}"
    );
}

#[tokio::test]
async fn an_event_of_another_kind_of_stream_is_found() {
    let store = Store::new().await;
    let place = alter(
        &store,
        "(event_type, schema_version, data) = \
            (select j.event_type, j.schema_version, j.data from es.events j \
             where j.event_type = 'job_submitted' limit 1)",
    )
    .await;
    assert_eq!(
        store.differences().await["events"],
        place.difference(
            "an event of a droplet, as its shard says",
            "job_submitted, an event of a job"
        )
    );
}

#[tokio::test]
async fn a_changed_version_is_found_everywhere() {
    let store = Store::new().await;
    let place = alter(&store, "version = 9").await;
    let changed = Place {
        version: Some(Version(9)),
        ..place
    };
    let found = store.differences().await;
    assert_eq!(
        found["streams"],
        Place {
            // 321 is the first event of a droplet: its second one stands where the hole is seen.
            position: Some(Position(ALTERED + 1)),
            version: Some(Version(2)),
            ..place
        }
        .difference("version 1", "version 2")
    );
    assert_eq!(found["events"].version, changed.version);
    assert!(
        found["events"].expected.starts_with("the id "),
        "{:?}",
        found["events"]
    );
    assert_digests_name(&store, changed).await;
}

#[tokio::test]
async fn a_changed_id_organization_or_shard_is_found() {
    for (change, check) in [
        (
            "event_id = '00000000-0000-0000-0000-000000000001'",
            "events",
        ),
        ("shard = (e.shard + 1) % 8", "events"),
        ("org_id = 'other'", "streams"),
        ("org_id = 'NOT ONE'", "events"),
        ("metadata = '{}'", "events"),
    ] {
        let store = Store::new().await;
        let place = alter(&store, change).await;
        let found = store.differences().await;
        assert_eq!(
            found[check].position, place.position,
            "{change}: {:?}",
            found[check]
        );
        assert_digests_name(&store, place).await;
    }
}

#[tokio::test]
async fn an_organization_that_is_changed_everywhere_is_found() {
    let store = Store::new().await;
    let stream = store.at(ALTERED).await.stream.expect("it has one");
    store
        .tamper(&format!(
            "update es.log l set org_id = 'other' from es.events e \
                 where e.seq = l.seq and e.stream_id = '{stream}'; \
             update es.events set org_id = 'other' where stream_id = '{stream}'; \
             update es.streams set org_id = 'other' where stream_id = '{stream}'"
        ))
        .await;
    let found = store.differences().await;
    assert_eq!(found.keys().collect::<Vec<_>>(), [&"digests", &"positions"]);
}

#[tokio::test]
async fn an_altered_digest_is_named() {
    let store = Store::new().await;
    store
        .tamper("update es.digests set digest = sha256('another')")
        .await;
    let first = &store.differences().await["digests"];
    assert_eq!(first.position, Some(Position(1)));
    assert!(
        first.found.starts_with("the digest ")
            && first.found.ends_with("1000 events up to position 1000"),
        "{first:?}"
    );
}

#[tokio::test]
async fn a_digest_of_one_event_that_was_altered_is_named() {
    let store = Store::new().await;
    store
        .tamper(
            "update es.digests \
                 set event_digests = set_byte(event_digests, 32, get_byte(event_digests, 32) # 1)",
        )
        .await;
    let first = &store.differences().await["digests"];
    assert_eq!(first.position, Some(Position(2)));
}

#[tokio::test]
async fn a_deleted_digest_is_named_where_later_ones_are_there() {
    let store = Store::new().await;
    testkit::events::Recorder::new(store.pool.clone())
        .droplets(500)
        .await;
    testkit::events::sequence(&store.pool).await;
    assert_eq!(digest::make(&store.pool, 10).await.expect("is made"), 1);
    store
        .tamper("delete from es.digests where first_position = 1")
        .await;
    assert_eq!(
        store.differences().await["digests"],
        Place::position(1).difference(
            "a digest of the positions from 1 to 1000",
            "none, although later positions have one"
        )
    );
}

#[tokio::test]
async fn a_digest_is_made_once_for_each_complete_range() {
    let store = Store::new().await;
    assert_eq!(digest::make(&store.pool, 10).await.expect("is made"), 0);
    testkit::events::Recorder::new(store.pool.clone())
        .droplets(1_900)
        .await;
    testkit::events::sequence(&store.pool).await;
    let (one, other) = tokio::join!(digest::make(&store.pool, 2), digest::make(&store.pool, 2));
    let made = one.expect("is made") + other.expect("is made");
    assert!((2..=4).contains(&made), "{made}");
    while digest::make(&store.pool, 2).await.expect("is made") > 0 {}
    let ranges: Vec<i64> = sqlx::query_scalar("select first_position from es.digests order by 1")
        .fetch_all(&store.pool)
        .await
        .expect("Postgres answers");
    assert_eq!(ranges, [1, 1_001, 2_001, 3_001, 4_001]);
}

#[tokio::test]
async fn a_digest_cannot_be_altered_by_the_owner() {
    let store = Store::new().await;
    for change in [
        "update es.digests set made_at = now()",
        "delete from es.digests",
    ] {
        let refused = sqlx::query(change).execute(&store.pool).await;
        let refused = refused.expect_err("is refused").to_string();
        assert!(
            refused.contains("recorded history is never altered"),
            "{refused}"
        );
    }
}
