//! Events that are not in their places: in the log, in their streams.

use super::{Place, Store};
use event_store::envelope::{Position, Version};

#[tokio::test]
async fn a_dropped_log_row_is_named() {
    let store = Store::new().await;
    let dropped = store.at(17).await;
    store.tamper("delete from es.log where position = 17").await;
    let found = store.differences().await;
    assert_eq!(
        found["positions"],
        Place::position(17).difference("one event", "none")
    );
    let event = Place {
        position: None,
        ..dropped
    };
    assert_eq!(
        found["log"],
        event.difference("a position in es.log", "none")
    );
    assert_eq!(
        found["digests"].position, dropped.position,
        "the digest misses it too"
    );
}

#[tokio::test]
async fn dropped_log_rows_are_one_hole() {
    let store = Store::new().await;
    store
        .tamper("delete from es.log where position between 20 and 29")
        .await;
    let found = store.audit().await;
    assert_eq!(
        found["positions"].differences, 2,
        "the organization's positions have the hole too"
    );
    assert_eq!(
        found["positions"].first,
        Some(Place::position(20).difference("one event", "none, nor at any position up to 29"))
    );
    assert_eq!(found["log"].differences, 10);
}

#[tokio::test]
async fn a_log_that_ends_too_early_is_named() {
    let store = Store::new().await;
    store
        .tamper("delete from es.log where position = 1200")
        .await;
    assert_eq!(
        store.differences().await["positions"],
        Place::position(1_199).difference(
            "the last position of es.log is 1200, as es.log_head says",
            "the last position of es.log is 1199"
        )
    );
}

#[tokio::test]
async fn renumbered_positions_are_named() {
    let store = Store::new().await;
    let (first, second) = (store.at(1).await, store.at(2).await);
    assert_eq!(
        (first.stream, second.version),
        (second.stream, Some(Version(2))),
        "positions 1 and 2 are of one stream"
    );
    store
        .tamper(
            "update es.log set position = 5000 where position = 1; \
             update es.log set position = 1, org_position = 1 where position = 2; \
             update es.log set position = 2, org_position = 2 where position = 5000",
        )
        .await;
    let found = store.differences().await;
    assert!(!found.contains_key("positions"), "they are dense still");
    let swapped = Place {
        position: first.position,
        ..second
    };
    assert_eq!(
        found["streams"],
        swapped.difference(
            "a position after 2, where the version before it stands",
            "position 1"
        )
    );
    assert_eq!(found["digests"].position, first.position);
}

#[tokio::test]
async fn a_position_of_nothing_is_named() {
    let store = Store::new().await;
    store
        .tamper(
            "create table es.log_0 partition of es.log for values from (minvalue) to (1); \
             update es.log set position = -5 where position = 1200",
        )
        .await;
    let found = store.audit().await;
    assert_eq!(
        found["positions"].first,
        Some(Place::position(-5).difference("positions from 1 on", "position -5"))
    );
}

#[tokio::test]
async fn an_event_that_is_twice_in_the_log_is_named() {
    let store = Store::new().await;
    let doubled = store.at(30).await;
    store
        .tamper(
            "insert into es.log (position, seq, shard, org_id, org_position, sequenced_at) \
                 select 1201, seq, shard, org_id, 1201, now() from es.log where position = 30; \
             update es.log_head set position = 1201",
        )
        .await;
    let found = store.differences().await;
    assert!(!found.contains_key("positions"), "they are dense still");
    assert_eq!(
        found["log"],
        doubled.difference("one position for the event", "the positions 30, 1201")
    );
}

#[tokio::test]
async fn a_position_that_is_given_twice_is_named() {
    let store = Store::new().await;
    store
        .tamper(
            "alter table es.log drop constraint log_pkey; \
             update es.log set position = 40 where position = 41",
        )
        .await;
    let found = store.audit().await;
    assert_eq!(
        found["positions"].first,
        Some(Place::position(40).difference("one event", "more than one"))
    );
    assert_eq!(found["positions"].differences, 2, "and 41 has none");
}

#[tokio::test]
async fn a_wrong_position_in_the_organization_is_named() {
    for position in [1, 700] {
        let store = Store::new().await;
        store
            .tamper(&format!(
                "update es.log set org_position = 0 where position = {position}"
            ))
            .await;
        let first = &store.differences().await["positions"];
        assert_eq!(
            (first.position, first.expected.as_str()),
            (
                Some(Position(position)),
                format!("position {position} of the organization acme").as_str()
            )
        );
    }
}

#[tokio::test]
async fn a_time_before_that_of_the_position_before_is_named() {
    let store = Store::new().await;
    store
        .tamper("update es.log set sequenced_at = '2020-01-01T00:00:00Z' where position = 700")
        .await;
    let first = &store.differences().await["positions"];
    assert_eq!(first.position, Some(Position(700)));
    assert!(first.found.starts_with("the time 2020-01-01"), "{first:?}");
}

#[tokio::test]
async fn a_deleted_event_is_named() {
    let store = Store::new().await;
    let deleted = store.at(501).await;
    let stream = deleted.stream.expect("it has one");
    store
        .tamper(&format!(
            "delete from es.events where stream_id = '{stream}' and version = 1"
        ))
        .await;
    let found = store.differences().await;
    assert_eq!(found["log"].position, deleted.position);
    assert_eq!(found["log"].found, "no such event");
    let hole = Place {
        version: Some(Version(2)),
        ..store.at(502).await
    };
    assert_eq!(found["streams"], hole.difference("version 1", "version 2"));
    assert_eq!(found["digests"].position, deleted.position);
    assert_eq!(found["digests"].found, "no event");
}

#[tokio::test]
async fn a_hole_at_the_end_of_a_stream_is_named() {
    let store = Store::new().await;
    let stream = store.droplets[7].uuid;
    store
        .tamper(&format!(
            "delete from es.log using es.events e where e.seq = es.log.seq \
                 and e.stream_id = '{stream}' and e.version = 2; \
             delete from es.events where stream_id = '{stream}' and version = 2"
        ))
        .await;
    let end = Place {
        stream: Some(stream),
        version: Some(Version(1)),
        position: None,
    };
    assert_eq!(
        store.differences().await["streams"],
        end.difference(
            "version 1 in es.streams, as the last event says",
            "version 2"
        )
    );
}

#[tokio::test]
async fn a_stream_without_events_is_named() {
    let store = Store::new().await;
    store
        .tamper(
            "insert into es.streams values \
                 ('00000000-0000-0000-0000-000000000001', 'droplet', 'acme', 4)",
        )
        .await;
    let found = &store.differences().await["streams"];
    assert_eq!(
        (found.version, found.found.as_str()),
        (Some(Version(4)), "version 4")
    );
    assert_eq!(
        found.expected,
        "no row in es.streams, because there is no event"
    );
}

#[tokio::test]
async fn a_wrong_version_of_a_stream_is_named() {
    let store = Store::new().await;
    let stream = store.droplets[250].uuid;
    store
        .tamper(&format!(
            "update es.streams set version = 3 where stream_id = '{stream}'"
        ))
        .await;
    let place = Place {
        stream: Some(stream),
        version: Some(Version(2)),
        position: None,
    };
    assert_eq!(
        store.differences().await["streams"],
        place.difference(
            "version 2 in es.streams, as the last event says",
            "version 3"
        )
    );
}

#[tokio::test]
async fn a_wrong_shard_or_organization_in_the_log_is_named() {
    let store = Store::new().await;
    let (at_3, at_4) = (store.at(3).await, store.at(4).await);
    for (place, change, found) in [
        (at_4, "org_id = 'other'", "organization other"),
        (at_3, "shard = (shard + 1) % 8", "shard"),
    ] {
        let position = place.position.expect("it has one");
        store
            .tamper(&format!(
                "update es.log set {change} where position = {position}"
            ))
            .await;
        let first = &store.differences().await["log"];
        assert_eq!(first.position, place.position);
        assert_eq!((first.stream, first.version), (place.stream, place.version));
        assert!(first.expected.contains("organization acme"), "{first:?}");
        assert!(first.found.contains(found), "{first:?}");
    }
}

#[tokio::test]
async fn a_checkpoint_beyond_the_head_is_named() {
    let store = Store::new().await;
    store
        .tamper(
            "insert into es.checkpoints (consumer, generation, shard, position) \
                 values ('droplets', 1, 3, 1201), ('jobs', 1, 9, 1200)",
        )
        .await;
    let found = store.audit().await;
    assert_eq!(found["checkpoints"].compared, 2);
    assert_eq!(
        found["checkpoints"].first,
        Some(Place::position(1_201).difference(
            "a checkpoint of droplets (generation 1, shard 3) up to the head of the log, 1200",
            "a checkpoint at 1201"
        ))
    );
}

#[tokio::test]
async fn a_parked_stream_is_told_and_no_difference() {
    let store = Store::new().await;
    let stream = store.droplets[0].uuid;
    // What a generation left behind that was given up is told no more.
    store
        .tamper(&format!(
            "insert into es.generations (consumer, generation, version, state, requested_by, reason) values \
                 ('jobs', 1, 1, 'SERVING', 'ann', 'a test'), ('jobs', 2, 1, 'RETIRED', 'ann', 'a test') \
             on conflict do nothing; \
             insert into es.parked (consumer, generation, stream_id, position, error, first_at) values \
                 ('jobs', 1, '{stream}', 7, 'it makes no sense', '2026-11-01T00:00:00Z'), \
                 ('jobs', 1, '{stream}', 9, null, '2026-11-02T00:00:00Z'), \
                 ('jobs', 2, '{stream}', 7, 'it makes no sense', '2026-11-02T00:00:00Z')"
        ))
        .await;
    let found = &store.audit().await["checkpoints"];
    assert_eq!(found.differences, 0);
    assert_eq!(
        found.notes,
        [format!(
            "jobs (generation 1) has parked the stream {stream} from position 7 on, 2 events since \
             2026-11-01T00:00:00Z: it makes no sense"
        )]
    );
}
