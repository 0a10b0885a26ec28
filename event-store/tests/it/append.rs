//! One statement, all or nothing, each command with its own answer.

use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use event_store::codec;
use event_store::envelope::Version;
use event_store::log;
use event_store::write::append::{Append, Outcome, Prepared, StreamAppend, append_batch};
use event_store::write::command::{self, CommandOutcome, CommandRecord};
use event_store::write::idempotency::{Keyed, Repeated};
use event_store::write::name::NameChange;
use sqlx::PgPool;
use testkit::postgres::TestDatabase;
use uuid::Uuid;

use crate::support::{
    append, append_to, metadata, name, new_stream, org, platform_name, prepared, tagged,
};

#[tokio::test]
async fn events_come_back_as_they_were_written() {
    let database = TestDatabase::new().await;
    let stream = new_stream();
    let written = append_to(stream, 0, 2);
    assert_eq!(
        append(&database.pool(), written.clone()).await,
        Outcome::Appended
    );

    let stored = log::read_stream(&database.pool(), stream, Version::NONE)
        .await
        .expect("reads");
    let read: Vec<_> = stored
        .iter()
        .map(|e| codec::decode(e).expect("decodes"))
        .collect();
    assert_eq!(read.len(), 2);
    assert_eq!(read[1].version, Version(2));
    assert_eq!(read[1].event, tagged("n1"));
    assert_eq!(read[0].org, org());
    // The database keeps microseconds of business time inside the metadata's own text.
    assert_eq!(read[0].metadata, written.metadata);
    assert_eq!(stored[0].data, r#"{"tag":"n0"}"#, "the exact bytes");
}

#[tokio::test]
async fn a_command_at_another_version_has_no_effect() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let stream = new_stream();
    append(&pool, append_to(stream, 0, 1)).await;
    for wrong in [0, 2, 7] {
        assert_eq!(
            append(&pool, append_to(stream, wrong, 1)).await,
            Outcome::Conflict,
            "{wrong}"
        );
    }
    assert_eq!(
        append(&pool, append_to(stream, 1, 3)).await,
        Outcome::Appended
    );
    let stored = log::read_stream(&pool, stream, Version::NONE)
        .await
        .expect("reads");
    assert_eq!(stored.len(), 4);
}

#[tokio::test]
async fn a_command_over_two_streams_is_all_or_nothing() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (known, unknown) = (new_stream(), new_stream());
    append(&pool, append_to(known, 0, 1)).await;

    let mut both = append_to(unknown, 0, 1);
    both.streams.push(StreamAppend {
        stream: known,
        expected: Version(9),
        events: vec![tagged("x")],
    });
    assert_eq!(append(&pool, both.clone()).await, Outcome::Conflict);
    assert!(
        log::read_stream(&pool, unknown, Version::NONE)
            .await
            .expect("reads")
            .is_empty()
    );

    both.streams[1].expected = Version(1);
    assert_eq!(append(&pool, both).await, Outcome::Appended);
    assert_eq!(
        log::read_stream(&pool, known, Version::NONE)
            .await
            .expect("reads")
            .len(),
        2
    );
}

#[tokio::test]
async fn winners_of_a_batch_commit_beside_losers() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let streams = [new_stream(), new_stream(), new_stream()];
    append(&pool, append_to(streams[1], 0, 1)).await;
    let batch: Vec<Prepared> = streams
        .iter()
        .map(|stream| prepared(append_to(*stream, 0, 2)))
        .collect();
    let outcomes = append_batch(&pool, &batch).await.expect("Postgres answers");
    assert_eq!(
        outcomes,
        [Outcome::Appended, Outcome::Conflict, Outcome::Appended]
    );
}

#[tokio::test]
async fn a_command_commits_only_if_what_it_read_is_still_so() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let read = new_stream();
    append(&pool, append_to(read, 0, 2)).await;
    let reading = |version| Append {
        reads: vec![(read, Version(version))],
        ..append_to(new_stream(), 0, 1)
    };
    for wrong in [0, 1, 3] {
        let outcome = append(&pool, reading(wrong)).await;
        assert_eq!(outcome, Outcome::Conflict, "{wrong}");
    }
    assert_eq!(append(&pool, reading(2)).await, Outcome::Appended);
    // Many may read one stream in one statement; each has its own answer.
    let batch = [2, 1, 2].map(|version| prepared(reading(version)));
    let outcomes = append_batch(&pool, &batch).await.expect("Postgres answers");
    assert_eq!(
        outcomes,
        [Outcome::Appended, Outcome::Conflict, Outcome::Appended]
    );
    let stored = log::read_stream(&pool, read, Version::NONE).await;
    assert_eq!(stored.expect("reads").len(), 2, "reading writes nothing");
}

/// Nothing can be locked of a stream that does not exist. That it does not is compared with what was
/// committed before the statement; whoever opens it at the same time comes after.
#[tokio::test]
async fn a_stream_that_does_not_exist_is_read_as_of_the_statement() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let absent = new_stream();
    let reading = |version| Append {
        reads: vec![(absent, Version(version))],
        ..append_to(new_stream(), 0, 1)
    };
    assert_eq!(append(&pool, reading(0)).await, Outcome::Appended);
    assert_eq!(append(&pool, reading(1)).await, Outcome::Conflict);

    let mut opening = pool.begin().await.expect("begins");
    sqlx::query("insert into es.streams values ($1, 'droplet', 'acme', 1)")
        .bind(absent.uuid)
        .execute(&mut *opening)
        .await
        .expect("Postgres answers");
    assert_eq!(append(&pool, reading(0)).await, Outcome::Appended);
    opening.commit().await.expect("commits");
    assert_eq!(append(&pool, reading(0)).await, Outcome::Conflict);
    assert_eq!(append(&pool, reading(1)).await, Outcome::Appended);
}

/// As when it is loaded.
#[tokio::test]
async fn a_stream_of_another_organization_is_read_as_one_that_does_not_exist() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let foreign = new_stream();
    let mut opening = append_to(foreign, 0, 1);
    opening.org = OrgId::parse("other").expect("a valid organization");
    append(&pool, opening).await;
    let mut locking = pool.begin().await.expect("begins");
    sqlx::query("select from es.streams for update")
        .execute(&mut *locking)
        .await
        .expect("Postgres answers");
    for (version, expected) in [(0, Outcome::Appended), (1, Outcome::Conflict)] {
        let reading = Append {
            reads: vec![(foreign, Version(version))],
            ..append_to(new_stream(), 0, 1)
        };
        // It is not locked either, or this would wait.
        assert_eq!(append(&pool, reading).await, expected);
    }
}

#[tokio::test]
async fn a_name_belongs_to_one_stream_until_it_is_released() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (first, second) = (new_stream(), new_stream());
    let taking = |stream, expected| {
        let mut taking = append_to(stream, expected, 1);
        taking.names = vec![NameChange::Take(name("web-1"), stream)];
        taking
    };
    assert_eq!(append(&pool, taking(first, 0)).await, Outcome::Appended);
    assert_eq!(
        append(&pool, taking(second, 0)).await,
        Outcome::Taken(name("web-1"))
    );

    let mut elsewhere = taking(new_stream(), 0);
    elsewhere.org = OrgId::parse("other").expect("a valid organization");
    assert_eq!(
        append(&pool, elsewhere).await,
        Outcome::Appended,
        "names are per organization"
    );

    // Only the holder gives a name back.
    let mut foreign = append_to(second, 0, 1);
    foreign.names = vec![NameChange::Release(name("web-1"), second)];
    assert_eq!(append(&pool, foreign).await, Outcome::Appended);
    assert_eq!(
        append(&pool, taking(second, 1)).await,
        Outcome::Taken(name("web-1"))
    );

    let mut released = append_to(first, 1, 1);
    released.names = vec![NameChange::Release(name("web-1"), first)];
    assert_eq!(append(&pool, released).await, Outcome::Appended);
    assert_eq!(append(&pool, taking(second, 1)).await, Outcome::Appended);
}

#[tokio::test]
async fn a_name_of_the_platform_is_unique_over_all_organizations() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let taking = |org: &str| {
        let stream = new_stream();
        let mut taking = append_to(stream, 0, 1);
        taking.org = OrgId::parse(org).expect("a valid organization");
        taking.names = vec![NameChange::Take(platform_name("ann"), stream)];
        taking
    };
    let first = taking("acme");
    let holder = first.streams[0].stream;
    assert_eq!(append(&pool, first).await, Outcome::Appended);
    for org in ["acme", "other"] {
        let refused = append(&pool, taking(org)).await;
        assert_eq!(refused, Outcome::Taken(platform_name("ann")), "{org}");
    }
    let mut released = append_to(holder, 1, 1);
    released.names = vec![NameChange::Release(platform_name("ann"), holder)];
    assert_eq!(append(&pool, released).await, Outcome::Appended);
    assert_eq!(append(&pool, taking("other")).await, Outcome::Appended);
}

#[tokio::test]
async fn names_are_handed_over_and_swapped_within_one_command() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (first, second, third) = (new_stream(), new_stream(), new_stream());
    for (stream, key) in [(first, "a"), (second, "b")] {
        let mut taking = append_to(stream, 0, 1);
        taking.names = vec![NameChange::Take(name(key), stream)];
        assert_eq!(append(&pool, taking).await, Outcome::Appended);
    }
    let hand_over = |key, from, to| NameChange::HandOver {
        name: name(key),
        from,
        to,
    };
    // Both streams are written, at the versions given.
    let both = |a, b, names| Append {
        streams: [append_to(first, a, 1), append_to(second, b, 1)]
            .into_iter()
            .flat_map(|append| append.streams)
            .collect(),
        names,
        ..append_to(first, a, 1)
    };
    let swap = vec![hand_over("a", first, second), hand_over("b", second, first)];
    assert_eq!(append(&pool, both(1, 1, swap)).await, Outcome::Appended);
    assert_eq!(
        holders(&pool).await,
        [("a".to_owned(), second.uuid), ("b".to_owned(), first.uuid)]
    );

    // The name that one gives back goes to the other, which gives its own back.
    let shift = vec![
        hand_over("b", first, second),
        NameChange::Release(name("a"), second),
        NameChange::Take(name("c"), first),
    ];
    assert_eq!(append(&pool, both(2, 2, shift)).await, Outcome::Appended);
    assert_eq!(
        holders(&pool).await,
        [("b".to_owned(), second.uuid), ("c".to_owned(), first.uuid)]
    );

    // Only the holder hands a name over: another one has it.
    let mut theft = append_to(third, 0, 1);
    theft.names = vec![hand_over("b", first, third)];
    assert_eq!(append(&pool, theft).await, Outcome::Taken(name("b")));
    // A name that nobody has is taken.
    let free = vec![hand_over("d", first, second)];
    assert_eq!(append(&pool, both(3, 3, free)).await, Outcome::Appended);
    let expected = [("b", second), ("c", first), ("d", second)];
    assert_eq!(
        holders(&pool).await,
        expected.map(|(key, by)| (key.to_owned(), by.uuid))
    );
}

/// A command that was decided on another state is decided again, whoever has its name: it may be the
/// stream itself, under the version that the command does not know.
#[tokio::test]
async fn a_conflict_is_told_before_a_name_that_is_taken() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let stream = new_stream();
    let mut taking = append_to(stream, 0, 1);
    taking.names = vec![NameChange::Take(name("a"), stream)];
    assert_eq!(append(&pool, taking.clone()).await, Outcome::Appended);
    assert_eq!(append(&pool, taking).await, Outcome::Conflict);
}

async fn holders(pool: &PgPool) -> Vec<(String, Uuid)> {
    sqlx::query_as("select key, stream_id from es.reservations order by key")
        .fetch_all(pool)
        .await
        .expect("Postgres answers")
}

#[tokio::test]
async fn a_key_that_was_used_gives_the_first_receipt() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let keyed = |stream, receipt: &str| {
        let mut keyed = append_to(stream, 0, 1);
        let receipt = receipt.to_owned();
        keyed.keyed = Some(Keyed {
            key: "k".to_owned(),
            request_hash: [7; 16],
            receipt,
        });
        keyed
    };
    assert_eq!(
        append(&pool, keyed(new_stream(), "1")).await,
        Outcome::Appended
    );
    let first = Repeated {
        request_hash: [7; 16],
        receipt: "1".to_owned(),
    };
    let again = new_stream();
    assert_eq!(
        append(&pool, keyed(again, "2")).await,
        Outcome::Repeated(first)
    );
    assert!(
        log::read_stream(&pool, again, Version::NONE)
            .await
            .expect("reads")
            .is_empty()
    );
}

#[tokio::test]
async fn another_organizations_stream_is_a_conflict() {
    let database = TestDatabase::new().await;
    let stream = new_stream();
    append(&database.pool(), append_to(stream, 0, 1)).await;
    let mut foreign = append_to(stream, 1, 1);
    foreign.org = OrgId::parse("other").expect("a valid organization");
    assert_eq!(append(&database.pool(), foreign).await, Outcome::Conflict);
}

#[tokio::test]
async fn stored_events_cannot_be_altered() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    append(&pool, append_to(new_stream(), 0, 1)).await;
    for statement in [
        "update es.events set org_id = 'other'",
        "delete from es.events",
        "truncate es.events",
        "update es.log set position = position + 1",
        "delete from es.log",
        "truncate es.log",
    ] {
        let error = sqlx::query(statement)
            .execute(&pool)
            .await
            .expect_err("is refused");
        assert!(
            error
                .to_string()
                .contains("recorded history is never altered"),
            "{error}"
        );
    }
}

#[test]
fn an_event_that_is_too_large_is_refused_before_it_is_sent() {
    let mut large = append_to(new_stream(), 0, 1);
    large.metadata = metadata();
    let reason = "x".repeat(event_store::write::append::MAX_EVENT_BYTES);
    large.streams[0].events = vec![
        domain::droplet::DropletEvent::ProvisioningFailed(
            domain::droplet::DropletProvisioningFailed { reason },
        )
        .into(),
    ];
    let error = Prepared::new(large).expect_err("is too large");
    assert!(
        error.to_string().contains("at most 61440 are stored"),
        "{error}"
    );
}

#[tokio::test]
async fn a_record_commits_with_the_events_of_its_command_or_not_at_all() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let stream = new_stream();
    let record = |name: &'static str| CommandRecord {
        name: name.into(),
        stream: Some(stream),
        credential: None,
        outcome: CommandOutcome::Accepted,
        rule: None,
        times: 1,
        // A character that Postgres cannot read from JSON.
        input: r#"{"tag":"\u0000"}"#.to_owned(),
        basis: "{}".to_owned(),
    };
    let recorded = |name, append| Append {
        record: Some(record(name)),
        ..append
    };
    let first = recorded("first", append_to(stream, 0, 2));
    assert_eq!(append(&pool, first).await, Outcome::Appended);
    let conflicting = recorded("conflicting", append_to(stream, 0, 1));
    assert_eq!(append(&pool, conflicting).await, Outcome::Conflict);
    // Of commands of one statement, too: one wins, one loses, one has a record alone.
    let alone = Append {
        streams: Vec::new(),
        ..append_to(stream, 0, 1)
    };
    let other = new_stream();
    let batch = [
        prepared(recorded("second", append_to(other, 0, 1))),
        prepared(recorded("late", append_to(stream, 1, 1))),
        prepared(recorded("refused", alone)),
    ];
    let outcomes = append_batch(&pool, &batch).await.expect("Postgres answers");
    assert_eq!(
        outcomes,
        [Outcome::Appended, Outcome::Conflict, Outcome::Appended]
    );
    let names: Vec<String> =
        sqlx::query_scalar("select name from es.commands order by recorded_at")
            .fetch_all(&pool)
            .await
            .expect("Postgres answers");
    assert_eq!(names, ["first", "second", "refused"]);
    let start = (String::new(), DateTime::UNIX_EPOCH, Uuid::nil());
    let read = command::read(&pool, &start, Utc::now(), 9).await;
    let read = read.expect("Postgres answers");
    assert_eq!(read[0].input, r#"{"tag":"\u0000"}"#);
}
