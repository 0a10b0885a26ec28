//! Writes to Kafka, one transaction a batch. Everything here blocks, and has a thread to do so.
//!
//! Why nothing is lost or doubled: a transaction holds all events of the log between two positions,
//! and the record that says so ([`crate::progress`]). A writer that starts fences the one before it
//! (`transactional.id`), which also decides the transaction that was open; only then it reads the
//! record. So what it reads is what `read_committed` readers see, and nothing can be added behind its
//! back. Nothing is ever sent twice by us: after any failure this writer is given up, and a new one
//! starts from the record.
//!
//! A message that Kafka does not take in time fails its transaction, so it cannot leave a hole.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use event_store::cloudevent::{self, Message, Topics};
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::health::{RelayHealth, State};
use crate::progress::{self, Progress};
use crate::tail::Tail;
use crate::topics::ensure_topics;
use crate::trouble::{self, Trouble};

/// How long to wait for news of deliveries.
const POLL: Duration = Duration::from_millis(1);
/// How long one call waits before we look whether to go on, and say that Kafka is slow.
const SLICE: Duration = Duration::from_secs(2);
/// How long a call is repeated before this writer is given up: as long as Kafka keeps an open
/// transaction.
const PATIENCE: Duration = Duration::from_secs(60);

/// The one producer that may write.
pub(crate) struct Writer {
    producer: BaseProducer<Trouble>,
    topics: Topics,
    epoch: i64,
    /// The position of the last event of every shard that was sent.
    previous: HashMap<Shard, Position>,
}

/// Who watches a writer at work.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) health: &'a RelayHealth,
    pub(crate) stop: &'a CancellationToken,
}

impl Writer {
    /// Makes missing topics, fences the writer before, and reads how far it came.
    pub(crate) fn start(
        brokers: &str,
        topics: Topics,
        epoch: i64,
        runtime: &Handle,
        watch: Watch<'_>,
    ) -> anyhow::Result<(Self, Option<Progress>)> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("socket.timeout.ms", "10000")
            .set("reconnect.backoff.max.ms", "1000");
        let producer: BaseProducer<Trouble> = config
            .clone()
            .set("transactional.id", topics.transactional_id())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            // A topic that vanishes is made anew soon, and not waited for.
            .set("topic.metadata.propagation.max.ms", "5000")
            // The partition is always given; this is for those who copy our settings.
            .set("partitioner", "murmur2_random")
            .create_with_context(Trouble::default())
            .context("the settings of the Kafka client are refused")?;
        ensure_topics(&producer, &config, &topics, runtime)?;
        let writer = Self {
            producer,
            topics,
            epoch,
            previous: HashMap::new(),
        };
        writer.repeat(watch, "taking over from the last relay", |producer| {
            producer.init_transactions(SLICE)
        })?;
        let progress = Progress::read(&Tail::new(config)?, &writer.topics)?;
        Ok((writer, progress))
    }

    /// Tells it the last event of every shard up to where it goes on.
    pub(crate) fn resume_after(&mut self, heads: Vec<(Shard, Position)>) {
        self.previous = heads.into_iter().collect();
    }

    /// Writes the next events of the log in one transaction; gives how many bytes they were. After
    /// an error this writer must not be used again.
    pub(crate) fn write(
        &mut self,
        events: &[Positioned<StoredEvent>],
        watch: Watch<'_>,
    ) -> anyhow::Result<usize> {
        let Some(last) = events.last() else {
            return Ok(0);
        };
        let progress = Progress {
            position: last.position,
            event: last.event.event_id,
            epoch: self.epoch,
        };
        let progress = serde_json::to_string(&progress).context("a record of progress is JSON")?;
        self.producer
            .begin_transaction()
            .map_err(|error| self.explain(error, "beginning a transaction"))?;
        let mut bytes = 0;
        for event in events {
            let shard = event.event.stream.shard();
            let previous = self.previous.insert(shard, event.position);
            let message = cloudevent::encode(&self.topics, event, previous.unwrap_or_default())?;
            bytes += message.value.len();
            self.send(&message)
                .map_err(|error| self.explain(error, "sending an event"))?;
        }
        let topic = self.topics.progress();
        let record = BaseRecord::to(&topic)
            .partition(0)
            .key(progress::KEY)
            .payload(&progress);
        self.producer
            .send(record)
            .map_err(|(error, _)| self.explain(error, "sending the progress"))?;
        self.await_deliveries(watch)?;
        self.repeat(watch, "committing a transaction", |producer| {
            producer.commit_transaction(SLICE)
        })?;
        Ok(bytes)
    }

    fn send(&self, message: &Message) -> Result<(), KafkaError> {
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in &message.headers {
            headers = headers.insert(Header {
                key,
                value: Some(value),
            });
        }
        let record = BaseRecord::to(&message.topic)
            .partition(message.partition)
            .key(&message.key)
            .payload(&message.value)
            .headers(headers);
        self.producer.send(record).map_err(|(error, _)| error)
    }

    /// Waits until Kafka has taken every message, or has refused one, which the commit then tells. The
    /// client's own flush would do, but looks up only every 100 ms.
    fn await_deliveries(&self, watch: Watch<'_>) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut said = started;
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(POLL);
            if said.elapsed() > SLICE {
                said = Instant::now();
                let waiting = KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut);
                self.delayed(watch, started, waiting, "sending events")?;
            }
        }
        Ok(())
    }

    /// Repeats a call that Kafka says may be repeated.
    fn repeat(
        &self,
        watch: Watch<'_>,
        doing: &str,
        call: impl Fn(&BaseProducer<Trouble>) -> Result<(), KafkaError>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            match call(&self.producer) {
                Ok(()) => return Ok(()),
                Err(error) if is_retriable(&error) => {
                    self.delayed(watch, started, error, doing)?;
                }
                Err(error) => return Err(self.explain(error, doing)),
            }
        }
    }

    /// Says that Kafka is slow; fails when there is no use in waiting longer.
    fn delayed(
        &self,
        watch: Watch<'_>,
        started: Instant,
        error: KafkaError,
        doing: &str,
    ) -> anyhow::Result<()> {
        let why = self.explain(error, doing);
        if started.elapsed() > PATIENCE {
            return Err(why);
        }
        if watch.stop.is_cancelled() {
            bail!("{doing}: stopped meanwhile");
        }
        let why = format!("{why:#}");
        watch.health.publisher.becomes(State::Failing { why });
        Ok(())
    }

    fn explain(&self, error: KafkaError, doing: &str) -> anyhow::Error {
        trouble::explain(&self.producer, error, doing)
    }
}

fn is_retriable(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_retriable())
}
