//! The mapping from our events to the archive's.

use domain::ids::{EventId, OrgId};

use super::*;

fn event(stream: u128, version: i64, position: i64) -> Positioned<StoredEvent> {
    let stream = StreamId {
        stream_type: StreamType::JOB,
        uuid: Uuid::from_u128(stream),
    };
    let event = StoredEvent {
        stream,
        version: Version(version),
        event_id: EventId::derive(stream.uuid, version),
        org: OrgId::parse("acme").unwrap(),
        event_type: "job_failed".to_owned(),
        schema_version: 1,
        data: r#"{"error":  "spaces stay"}"#.to_owned(),
        metadata: r#"{"actor":"tester"}"#.to_owned(),
        recorded_at: DateTime::from_timestamp(1_672_531_200, 0).unwrap(),
    };
    Positioned {
        position: Position(position),
        event,
    }
}

#[test]
fn streams_are_named_by_type_and_id() {
    assert_eq!(
        name_of(event(1, 1, 1).event.stream),
        "job-00000000-0000-0000-0000-000000000001"
    );
}

#[test]
fn the_first_event_expects_no_stream_and_the_third_the_second() {
    assert_eq!(expected_before(Version(1)), ExpectedRevision::NoStream);
    assert_eq!(expected_before(Version(3)), ExpectedRevision::Exact(1));
}

#[test]
fn what_the_archive_has_is_not_sent_again() {
    let (two, three, four) = (event(1, 2, 5), event(1, 3, 6), event(1, 4, 9));
    let events = [&two, &three, &four];
    assert_eq!(beyond(&events, CurrentRevision::NoStream).len(), 3);
    assert_eq!(beyond(&events, CurrentRevision::Current(0)).len(), 3);
    assert_eq!(beyond(&events, CurrentRevision::Current(2)), [&four]);
    assert!(beyond(&events, CurrentRevision::Current(7)).is_empty());
}

#[test]
fn a_batch_is_cut_by_stream_and_keeps_the_order_in_each() {
    let batch = [event(1, 1, 1), event(2, 1, 2), event(1, 2, 3)].map(Arc::new);
    let streams = by_stream(&batch);
    let positions: Vec<Vec<i64>> = streams
        .iter()
        .map(|(_, events)| events.iter().map(|e| e.position.0).collect())
        .collect();
    assert_eq!(positions, [vec![1, 3], vec![2]]);
}

#[test]
fn the_copy_has_our_id_and_our_bytes() {
    let original = event(1, 2, 5);
    let copy = format!("{:?}", copy_of(&original).unwrap());
    assert!(
        copy.contains(&original.event.event_id.to_string()),
        "{copy}"
    );
    assert!(copy.contains("spaces stay"), "{copy}");
}

#[test]
fn an_event_with_the_same_id_and_other_bytes_is_no_copy() {
    let original = event(1, 2, 5);
    let metadata =
        |of: &Positioned<StoredEvent>| serde_json::to_vec(&copy_metadata(of).unwrap()).unwrap();
    let is_copy = |of: &Positioned<StoredEvent>| {
        let id = of.event.event_id.as_uuid();
        is_copy_of(&original, id, of.event.data.as_bytes(), &metadata(of))
    };
    assert!(is_copy(&original));
    let mut other = event(1, 2, 5);
    other.event.data = r#"{"error":"another"}"#.to_owned();
    assert!(!is_copy(&other));
    // What was lost can have been recorded at another time, or at another place of the log.
    assert!(!is_copy(&event(1, 2, 6)));
    assert!(!is_copy(&event(1, 3, 5)));
}
