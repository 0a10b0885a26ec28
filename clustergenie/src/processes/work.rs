//! `clustergenie work`: runs the platform's own jobs.

use event_store::consume::wake::{Hint, Wake};
use event_store::pool::Purpose;

use super::database::{connect, warn_of_known_password};
use super::reservation::Reservation;
use crate::config::Work;
use crate::readiness::{Dependencies, Ready};
use crate::tasks::{GRACE, Tasks};
use crate::wiring::consumers::{self, Feed};
use crate::wiring::pools::APPENDING;
use crate::wiring::{commands, hints, http, process_managers};

/// The connections of the process: of its pools, those beside them, and the one that reserves them.
const CONNECTIONS: u32 = 30;

/// Runs jobs until a signal.
///
/// # Errors
/// When a setting is unusable, a dependency is unavailable, or a part failed.
pub(crate) async fn run(settings: Work) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let reservation = Reservation::make(&settings.database, CONNECTIONS).await?;
    let store = connect(&reservation, Purpose::Commands, 10).await?;
    let appending = connect(&reservation, Purpose::Commands, APPENDING).await?;
    let pool = connect(&reservation, Purpose::Consumers, 16).await?;
    let feed = Feed::Kafka(settings.kafka.into());
    let wake = Wake::default();
    let mut tasks = Tasks::new(GRACE);
    hints::announce(&mut tasks, &pool, &wake, Hint::Appended);
    let executor = commands::executor(&mut tasks, store, appending, &wake).await?;
    let todo_lists = process_managers::start(&mut tasks, &pool, executor, &settings.provider);
    consumers::start(&mut tasks, &pool, &wake, &feed, todo_lists.clone())?;
    let ready = Ready::new(Dependencies {
        pool: connect(&reservation, Purpose::Probes, 1).await?,
        consumers: todo_lists,
        relay: None,
        backs_up: false,
        draining: tasks.draining(),
    });
    http::serve_health(&mut tasks, &ready, settings.metrics_listen).await?;
    reservation.hold(&mut tasks);
    tasks.run().await
}
