//! The relay: the sequencer, the upkeep of the store, and the Kafka publisher.

use std::sync::Arc;

use event_store::consume::wake::Wake;
use event_store::envelope::Position;
use outbox_relay::health::RelayHealth;
use outbox_relay::publisher::Target;
use outbox_relay::{maintenance, publisher, sequencing};
use sqlx::PgPool;

use super::{Brokers, unique_owner};
use crate::config::Republish;
use crate::tasks::{Stage, Tasks};

/// Starts the tasks that give positions to events, remove expired data, and publish to Kafka if there is one.
pub(crate) fn start(
    tasks: &mut Tasks,
    pool: &PgPool,
    wake: &Wake,
    kafka: Option<Brokers>,
    republish: &Republish,
) -> Arc<RelayHealth> {
    let health = Arc::new(RelayHealth::new());
    let owner = unique_owner();
    {
        let (pool, wake, owner) = (pool.clone(), wake.clone(), owner.clone());
        let health = Arc::clone(&health);
        tasks.spawn(Stage::Follow, "sequencer", |stop| async move {
            sequencing::run(pool, wake, owner, health, stop).await;
            Ok(())
        });
    }
    {
        let pool = pool.clone();
        tasks.spawn(Stage::Follow, "maintenance", |stop| async move {
            maintenance::run(pool, stop).await;
            Ok(())
        });
    }
    if let Some(Brokers { addresses, topics }) = kafka {
        let (pool, wake, health) = (pool.clone(), wake.clone(), Arc::clone(&health));
        let target = Target {
            brokers: addresses,
            topics,
            republish_from: republish.republish_from.map(Position),
        };
        tasks.spawn(Stage::Follow, "publisher", |stop| async move {
            publisher::run(pool, target, wake, owner, health, stop).await;
            Ok(())
        });
    }
    health
}
