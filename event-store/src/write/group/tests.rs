use chrono::{DateTime, Utc};
use domain::counter::{Counter, CounterScope};
use domain::droplet::{DropletEvent, DropletProtected};
use domain::ids::{CommandId, CorrelationId, DropletId, OrgId};
use domain::unique_name::Reach;
use uuid::Uuid;

use super::*;
use crate::envelope::{Metadata, RequestSource, StreamId, Version};
use crate::incarnation::IncarnationId;
use crate::write::append::StreamAppend;
use crate::write::counter::CounterChange;

fn stream(number: u128) -> StreamId {
    DropletId::new(Uuid::from_u128(number)).into()
}

fn command(writes: u128, reads: &[u128]) -> Append {
    let append = StreamAppend {
        stream: stream(writes),
        expected: Version::NONE,
        events: vec![DropletEvent::Protected(DropletProtected {}).into()],
    };
    let metadata = Metadata {
        actor: "tester".to_owned(),
        command_id: CommandId::new(Uuid::nil()),
        correlation_id: CorrelationId::new(Uuid::nil()),
        causation_id: None,
        traceparent: None,
        source: RequestSource::Api,
        occurred_at: DateTime::<Utc>::UNIX_EPOCH,
    };
    let org = OrgId::parse("acme").expect("a valid organization");
    Append {
        reads: reads.iter().map(|n| (stream(*n), Version(1))).collect(),
        ..Append::new(org, vec![append], metadata)
    }
}

/// The statements that commands go in, each as the streams that are written.
async fn batches(commands: impl IntoIterator<Item = (u128, &'static [u128])>) -> Vec<Vec<u128>> {
    let commands = commands.into_iter();
    batches_of(commands.map(|(writes, reads)| command(writes, reads))).await
}

/// A group in which commands wait, and nothing runs.
fn group_of(commands: impl IntoIterator<Item = Append>) -> Group {
    let pool = PgPool::connect_lazy("postgres://nowhere").expect("it is a URL");
    let (_, mut group) = Appender::new(pool, Wake::default());
    for command in commands {
        wait_in(&mut group, command);
    }
    group
}

fn wait_in(group: &mut Group, command: Append) {
    let (answer, _) = oneshot::channel();
    let prepared = Prepared::new(command).expect("it can be stored");
    group.waiting.push(Waiting { prepared, answer });
}

/// The number of commands of the next statement, if one is sent now.
fn sent_now(group: &mut Group) -> Option<usize> {
    group.next_statement().map(|(commands, _)| commands.len())
}

async fn batches_of(commands: impl IntoIterator<Item = Append>) -> Vec<Vec<u128>> {
    let mut group = group_of(commands);
    let mut batches = Vec::new();
    while !group.waiting.is_empty() {
        let batch = group.take_batch();
        let written = |waiting: &Waiting| {
            let mut claims = waiting.prepared.claims();
            let written = claims.find_map(|(claim, access)| match (claim, access) {
                (Claim::Stream(uuid), Access::Write) => Some(uuid.as_u128()),
                _ => None,
            });
            written.expect("each writes a stream")
        };
        batches.push(batch.iter().map(written).collect());
    }
    batches
}

#[tokio::test]
async fn commands_that_read_one_stream_go_together() {
    let batches = batches([(1, &[9][..]), (2, &[9]), (3, &[9, 8])]).await;
    assert_eq!(batches, [[1, 2, 3]]);
}

#[tokio::test]
async fn a_command_never_goes_with_one_that_writes_what_it_reads() {
    assert_eq!(batches([(1, &[9][..]), (9, &[])]).await, [[1], [9]]);
    assert_eq!(batches([(9, &[][..]), (1, &[9])]).await, [[9], [1]]);
}

#[tokio::test]
async fn a_command_that_waits_is_not_overtaken_by_one_that_it_must_not_meet() {
    // The writer waits for the first reader, and the second reader for the writer.
    let expected = [vec![1, 3], vec![9], vec![2]];
    assert_eq!(
        batches([(1, &[9][..]), (9, &[]), (2, &[9]), (3, &[])]).await,
        expected
    );
}

#[tokio::test]
async fn commands_that_were_decided_in_different_incarnations_do_not_go_together() {
    let decided_in = |incarnation: u128, writes| Append {
        incarnation: Some(IncarnationId(Uuid::from_u128(incarnation))),
        ..command(writes, &[])
    };
    let commands = [
        decided_in(1, 1),
        decided_in(2, 2),
        decided_in(1, 3),
        decided_in(2, 4),
    ];
    assert_eq!(batches_of(commands).await, [[1, 3], [2, 4]]);
}

#[tokio::test(start_paused = true)]
async fn few_commands_wait_for_a_statement_that_is_not_slow() {
    let mut group = group_of([command(1, &[])]);
    assert_eq!(sent_now(&mut group), Some(1));
    wait_in(&mut group, command(2, &[]));
    assert_eq!(sent_now(&mut group), None);
    assert!(group.waits_for_slow_statement());
    tokio::time::advance(SLOW).await;
    assert_eq!(sent_now(&mut group), Some(1));
    wait_in(&mut group, command(3, &[]));
    tokio::time::advance(SLOW).await;
    assert_eq!(sent_now(&mut group), None, "{MAX_STATEMENTS} are running");
    assert!(!group.waits_for_slow_statement());
}

#[tokio::test(start_paused = true)]
async fn many_commands_do_not_wait_for_a_running_statement() {
    let mut group = group_of([command(1, &[])]);
    assert_eq!(sent_now(&mut group), Some(1));
    for stream in 0..MANY_COMMANDS as u128 {
        wait_in(&mut group, command(10 + stream, &[]));
    }
    assert_eq!(sent_now(&mut group), Some(MANY_COMMANDS));
}

#[tokio::test(start_paused = true)]
async fn commands_that_exceed_a_statement_go_in_another_one_at_once() {
    let streams = 0..2 * MAX_COMMANDS as u128;
    let mut group = group_of(streams.map(|stream| command(stream, &[])));
    assert_eq!(sent_now(&mut group), Some(MAX_COMMANDS));
    assert_eq!(sent_now(&mut group), Some(MAX_COMMANDS));
}

#[tokio::test(start_paused = true)]
async fn no_statement_concerns_what_a_running_one_concerns() {
    static PLACES: CounterScope = CounterScope {
        name: "places",
        reach: Reach::Organization,
    };
    let counting = |writes| Append {
        counters: vec![CounterChange {
            counter: Counter {
                scope: &PLACES,
                key: "a".to_owned(),
            },
            added: 1,
            within: None,
        }],
        ..command(writes, &[])
    };
    let running = Append {
        reads: vec![(stream(9), Version(1))],
        ..counting(1)
    };
    for (what, next) in [
        ("the stream that it writes", command(1, &[])),
        ("a stream that it reads", command(2, &[9])),
        ("a counter", counting(2)),
    ] {
        let mut group = group_of([running.clone()]);
        assert_eq!(sent_now(&mut group), Some(1));
        tokio::time::advance(SLOW).await;
        wait_in(&mut group, next);
        assert_eq!(sent_now(&mut group), None, "{what}");
        wait_in(&mut group, command(3, &[]));
        assert_eq!(sent_now(&mut group), Some(1), "{what} delays nothing else");
    }
}

#[tokio::test(start_paused = true)]
async fn commands_that_are_held_back_are_looked_at_again_once_a_statement_ends() {
    let mut group = group_of([command(1, &[9])]);
    assert_eq!(sent_now(&mut group), Some(1));
    for stream in 0..MANY_COMMANDS as u128 {
        wait_in(&mut group, command(10 + stream, &[9]));
    }
    assert_eq!(sent_now(&mut group), None);
    tokio::time::advance(SLOW).await;
    assert!(!group.waits_for_slow_statement());
    wait_in(&mut group, command(2, &[]));
    assert_eq!(sent_now(&mut group), Some(1), "the one that is free");
    let ended = Arc::clone(&group.running[0].commands);
    group.end(&ended);
    assert_eq!(sent_now(&mut group), Some(MANY_COMMANDS));
}
