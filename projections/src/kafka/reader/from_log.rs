//! The reader's queries to Postgres: its checkpoints, checks of Kafka's claims, and events that Kafka
//! lacks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event_store::cloudevent::Received;
use event_store::consume::checkpoint::{self, Checkpoint};
use event_store::consume::source::ConsumerId;
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::error::StoreError;
use event_store::incarnation;
use event_store::log;
use rdkafka::consumer::Consumer;

use super::{BATCH, Reader};
use crate::kafka::cursor::Cursor;
use crate::kafka::stalled_shards::StalledShards;

impl Reader {
    pub(super) fn checkpoints(
        &self,
        shards: &[Shard],
    ) -> Result<BTreeMap<Shard, Checkpoint>, StoreError> {
        let id = ConsumerId {
            name: self.consumer,
            generation: self.generation,
        };
        self.runtime
            .block_on(checkpoint::load(&self.pool, id, shards))
    }

    /// Compares events of messages with the log, byte for byte; returns the shards of those that it does not have.
    pub(super) fn refuted(
        &self,
        mut claims: Vec<Arc<Positioned<StoredEvent>>>,
    ) -> Result<Vec<Shard>, StoreError> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let positions: Vec<Position> = claims.iter().map(|claim| claim.position).collect();
        let here = log::events_at(&self.pool, &positions);
        let here = self.runtime.block_on(here)?;
        claims.retain(|claim| !here.iter().any(|event| event == &**claim));
        for claim in &claims {
            tracing::error!(
                consumer = self.consumer,
                shard = %claim.event.stream.shard(),
                position = claim.position.0,
                "the topic holds the events of another log; they are left out, and this log is read \
                 instead"
            );
        }
        let shards = claims.iter().map(|claim| claim.event.stream.shard());
        Ok(shards.collect())
    }

    /// Returns whether the log has the position of a message, as the incarnation that published the message gave it.
    ///
    /// # Errors
    /// [`StoreError::OtherIncarnation`] when the log is in another incarnation than the checkpoints were read in.
    pub(super) fn is_kept(&self, received: &Received) -> Result<bool, StoreError> {
        let Some(lineage) = &self.lineage else {
            return Ok(false);
        };
        let (id, position) = (received.incarnation, received.event.position);
        // The relay may have noticed a new incarnation first.
        let known = self.runtime.block_on(self.incarnations.with(id))?;
        if known.current().id != lineage.current().id {
            return Err(StoreError::OtherIncarnation);
        }
        let kept = known.check_position(id, position);
        if let Err(lost) = &kept {
            tracing::warn!(
                consumer = self.consumer,
                shard = %received.event.event.stream.shard(),
                position = position.0,
                "a message is of an event that the log lost, and is left out: {lost}"
            );
        }
        Ok(kept.is_ok())
    }

    /// Reads the events from the log that Kafka does not have. Stops early when the source does not want
    /// them any more.
    pub(super) fn fill(&mut self, shard: Shard, up_to: Position) -> Result<(), StoreError> {
        if !self.fill_page(shard, up_to)? {
            return Ok(());
        }
        // The rest may take long. The member must poll Kafka meanwhile, or Kafka would take it for dead
        // without its knowledge.
        let partitions = self.partitions(self.cursors.keys().map(|shard| (*shard, None)));
        if let Err(error) = self.kafka.pause(&partitions) {
            tracing::debug!(consumer = self.consumer, %error, "partitions were not paused");
        }
        let filled = self.fill_pages(shard, up_to);
        if let Err(error) = self.kafka.resume(&partitions) {
            tracing::debug!(consumer = self.consumer, %error, "partitions were not resumed");
        }
        // Kafka was kept from giving what it has.
        self.stalled = StalledShards::default();
        filled
    }

    /// Reads the further pages one by one, while the partitions are paused.
    fn fill_pages(&mut self, shard: Shard, up_to: Position) -> Result<(), StoreError> {
        loop {
            self.hand_out()?;
            // A message that comes all the same is missed, and the next one of its shard shows that.
            if let Some(Err(error)) = self.kafka.poll(Duration::ZERO) {
                self.kafka.context().complain(&error.to_string());
            }
            if !self.is_current() || !self.fill_page(shard, up_to)? {
                return Ok(());
            }
        }
    }

    /// Reads a page; returns whether there is more.
    fn fill_page(&mut self, shard: Shard, up_to: Position) -> Result<bool, StoreError> {
        let Some(cursor) = self.cursors.get(&shard) else {
            return Ok(false);
        };
        let limit = i64::try_from(BATCH).expect("a batch is small");
        let read = log::read_shard(&self.pool, shard, cursor.position, up_to, limit);
        let events = self.runtime.block_on(read)?;
        let more = events.len() == BATCH;
        metrics::counter!(
            "clustergenie_kafka_filled_events_total", "consumer" => self.consumer
        )
        .increment(events.len() as u64);
        for event in events {
            self.add(shard, event, None);
        }
        Ok(more)
    }

    /// Reads stalled shards from the log. Events of theirs that come later are recognized.
    ///
    /// A reader whose log went back waits for events that may never come. So the incarnation is demanded here.
    pub(super) fn fill_stalled(&mut self) -> Result<(), StoreError> {
        if let Some(lineage) = &self.lineage {
            let demanded = incarnation::demand(&self.pool, lineage.current().id);
            self.runtime.block_on(demanded)?;
        }
        let standing = self.standing()?;
        if standing.is_empty() {
            return Ok(());
        }
        let heads = log::shard_heads(&self.pool, Position(i64::MAX));
        let heads: BTreeMap<Shard, Position> = self.runtime.block_on(heads)?.into_iter().collect();
        let stalled = self.stalled.look(&standing, &heads);
        if !stalled.is_empty() {
            tracing::warn!(
                consumer = self.consumer,
                shards = stalled.len(),
                "events do not come through Kafka and are read from the log"
            );
        }
        for shard in stalled {
            let from = standing[&shard];
            let cursor = self.cursors.entry(shard).or_insert(Cursor::at(from));
            cursor.position = cursor.position.max(from);
            self.fill(shard, heads[&shard])?;
            if !self.is_current() {
                break;
            }
        }
        self.hand_out()
    }

    /// Returns the positions of the shards that this reader answers for: those that Kafka gave it. While
    /// it has none, they are all shards. Kafka may be unavailable, and have taken the reader's
    /// partitions back or never given them. The shards are then at the positions up to which any process
    /// has applied them.
    fn standing(&self) -> Result<BTreeMap<Shard, Position>, StoreError> {
        if self.generation == 0 {
            return Ok(BTreeMap::new());
        }
        if !self.kafka.context().assigned().is_empty() {
            let cursors = self.cursors.iter();
            return Ok(cursors.map(|(shard, c)| (*shard, c.position)).collect());
        }
        let shards = Shard::all(self.kafka.context().types());
        let checkpoints = self.checkpoints(&shards)?.into_iter();
        let standing = checkpoints.map(|(shard, checkpoint)| {
            // What this reader has handed out is on its way to the checkpoint.
            let ours = self.cursors.get(&shard).map(|cursor| cursor.position);
            (shard, checkpoint.position.max(ours.unwrap_or_default()))
        });
        Ok(standing.collect())
    }
}
