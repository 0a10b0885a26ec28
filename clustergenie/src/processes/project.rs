//! `clustergenie project`: builds and rebuilds read models from Kafka.

use event_store::consume::wake::{Hint, Wake};
use event_store::pool::Purpose;
use projections::consistency;

use super::database::{connect, warn_of_known_password};
use super::reservation::Reservation;
use crate::config::Project;
use crate::readiness::{Dependencies, Ready};
use crate::tasks::{GRACE, Tasks};
use crate::wiring::consumers::{self, Feed};
use crate::wiring::{hints, http};

/// The connections of the process: of its pools, those beside them, and the one that reserves them.
const CONNECTIONS: u32 = 19;

/// Applies events to read models until a signal.
///
/// # Errors
/// When a setting is unusable, a dependency is unavailable, or a part failed.
pub(crate) async fn run(settings: Project) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let reservation = Reservation::make(&settings.database, CONNECTIONS).await?;
    let pool = connect(&reservation, Purpose::Consumers, 16).await?;
    // Hints have a connection of their own, so that they never wait behind batches.
    let hint_pool = connect(&reservation, Purpose::Relay, 1).await?;
    let feed = Feed::Kafka(settings.kafka.into());
    let wake = Wake::default();
    let mut tasks = Tasks::new(GRACE);
    hints::announce(&mut tasks, &hint_pool, &wake, Hint::Applied);
    let projections = consistency::announcing(projections::all(), &wake.applied);
    consumers::start(&mut tasks, &pool, &wake, &feed, projections)?;
    consumers::start_rebuilds(&mut tasks, &pool, &wake);
    let ready = Ready::new(Dependencies {
        pool: connect(&reservation, Purpose::Probes, 1).await?,
        consumers: projections::consumers(),
        relay: None,
        backs_up: false,
        draining: tasks.draining(),
    });
    http::serve_health(&mut tasks, &ready, settings.metrics_listen).await?;
    reservation.hold(&mut tasks);
    tasks.run().await
}
