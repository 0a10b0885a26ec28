//! `clustergenie relay`: gives events their positions and publishes them to Kafka.

use event_store::consume::wake::{Hint, Wake};
use event_store::pool::Purpose;

use super::database::{connect, warn_of_known_password};
use super::reservation::Reservation;
use crate::archive;
use crate::config::Relay;
use crate::readiness::{self, Dependencies, Publishing, Ready, Standby};
use crate::tasks::{GRACE, Tasks};
use crate::wiring::{hints, http, relay};

/// The connections of the process: of its pools, those beside them, and the one that reserves them.
const CONNECTIONS: u32 = 14;

/// Sequences and publishes until a signal.
///
/// # Errors
/// When a setting is unusable, a dependency is unavailable, or a part failed.
pub(crate) async fn run(settings: Relay) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let reservation = Reservation::make(&settings.database, CONNECTIONS).await?;
    // Those that listen to hints.
    reservation.beside_pools(2);
    let pool = connect(&reservation, Purpose::Relay, 10).await?;
    let wake = Wake::default();
    let mut tasks = Tasks::new(GRACE);
    hints::listen(&mut tasks, &pool, &wake, Hint::Appended);
    // Another relay may be the sequencer.
    hints::listen(&mut tasks, &pool, &wake, Hint::Sequenced);
    hints::announce(&mut tasks, &pool, &wake, Hint::Sequenced);
    archive::start(&mut tasks, &pool, &wake, &settings.archive)?;
    let health = relay::start(
        &mut tasks,
        &pool,
        &wake,
        Some(settings.kafka.into()),
        &settings.republish,
    );
    let relay = readiness::Relay {
        health,
        publishing: Publishing::Kafka,
        standby: Standby::IsReady,
    };
    let ready = Ready::new(Dependencies {
        pool: connect(&reservation, Purpose::Probes, 1).await?,
        consumers: Vec::new(),
        relay: Some(relay),
        backs_up: false,
        draining: tasks.draining(),
    });
    http::serve_health(&mut tasks, &ready, settings.metrics_listen).await?;
    reservation.hold(&mut tasks);
    tasks.run().await
}
