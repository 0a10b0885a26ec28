//! A reader of Kafka that resembles the reader of another program. Follows every partition of the topics of
//! events, and keeps the positions in the order of arrival.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use domain::stream_type::StreamType;
use event_store::envelope::{Position, Shard};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::TestKafka;
use crate::wait;

/// Timeout of one poll.
const SLICE: Duration = Duration::from_millis(50);

/// Positions by topic and partition, in the order in which their messages arrived.
type Positions = BTreeMap<(String, i32), Vec<Position>>;

/// A reader of committed messages, on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct Follower {
    positions: Arc<Mutex<Positions>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Follows the topics of events from their beginning. The topics must exist.
    ///
    /// # Panics
    /// When the client refuses its settings.
    #[must_use]
    pub fn start(kafka: &TestKafka) -> Self {
        let (positions, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let mut config = kafka.client();
        config
            .set("group.id", "test-follower")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("fetch.wait.max.ms", "20");
        let topics: Vec<_> = StreamType::known()
            .iter()
            .map(|of| kafka.topics().events(*of))
            .collect();
        let (seen, stopped) = (Arc::clone(&positions), Arc::clone(&stop));
        let thread = std::thread::spawn(move || follow(&config, &topics, &seen, &stopped));
        Self {
            positions,
            stop,
            thread: Some(thread),
        }
    }

    /// Waits until `messages` messages have arrived. Asserts that each is of another event, and that the
    /// positions ascend in every partition in the order of arrival.
    ///
    /// # Panics
    /// When an assertion fails.
    pub async fn assert_ascending(&self, messages: usize) {
        let came = |positions: &Positions| positions.values().map(Vec::len).sum::<usize>();
        wait::until("every message has come", async || {
            let positions = self.positions.lock().expect("no holder panics");
            (came(&positions) >= messages).then_some(())
        })
        .await;
        let positions = self.positions.lock().expect("no holder panics");
        for ((topic, partition), positions) in &*positions {
            for pair in positions.windows(2) {
                assert!(
                    pair[0] < pair[1],
                    "{topic}/{partition}: {} comes after {}",
                    pair[1],
                    pair[0]
                );
            }
        }
        assert_eq!(came(&positions), messages, "each event is there once");
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // It has panicked, and said so.
            let _ = thread.join();
        }
    }
}

fn follow(config: &ClientConfig, topics: &[String], seen: &Mutex<Positions>, stop: &AtomicBool) {
    let consumer: BaseConsumer = config.create().expect("the settings are right");
    let mut partitions = TopicPartitionList::new();
    for topic in topics {
        for partition in 0..i32::from(Shard::PARTITIONS) {
            partitions
                .add_partition_offset(topic, partition, Offset::Beginning)
                .expect("the offset is one");
        }
    }
    consumer
        .assign(&partitions)
        .expect("the partitions are there");
    while !stop.load(Ordering::SeqCst) {
        // The client connects again by itself after an error.
        let Some(Ok(message)) = consumer.poll(SLICE) else {
            continue;
        };
        let place = (message.topic().to_owned(), message.partition());
        seen.lock()
            .expect("no holder panics")
            .entry(place)
            .or_default()
            .push(position(&message));
    }
}

fn position(message: &BorrowedMessage<'_>) -> Position {
    let headers = message.headers().expect("a message has headers");
    let header = headers.iter().find(|header| header.key == "ce_position");
    let value = header.and_then(|header| header.value);
    let text = std::str::from_utf8(value.expect("a message has a position"));
    Position(
        text.expect("in UTF-8")
            .parse()
            .expect("a position is a number"),
    )
}
