//! `clustergenie api`: serves GraphQL and runs commands.

use std::path::Path;
use std::sync::Arc;

use api::graph::services::Services;
use api::identity::tokens::Auth;
use event_store::consume::shared_log::SharedLog;
use event_store::consume::wake::{Hint, UNTIL_HINTED, Wake};
use event_store::incarnation::Incarnations;
use event_store::pool::Purpose;
use projections::reader::Reader;

use super::database::{connect, warn_of_known_password};
use super::reservation::Reservation;
use crate::config::Api;
use crate::key;
use crate::readiness::{Dependencies, Ready};
use crate::telemetry::Metrics;
use crate::wiring::pools::Pools;
use crate::wiring::{commands, hints, http, queries};

/// The connections of the process: of its pools, those beside them, and the one that reserves them.
const CONNECTIONS: u32 = 31;

/// Serves the API until a signal.
///
/// # Errors
/// When a setting is unusable, a dependency is unavailable, or a part failed.
pub(crate) async fn run(settings: Api) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let key = signing_key(&settings.jwt_key_file)?;
    let auth = Auth::new(&key)?;
    let reservation = Reservation::make(&settings.database, CONNECTIONS).await?;
    // Those that listen to hints.
    reservation.beside_pools(2);
    let open = async |purpose, size| connect(&reservation, purpose, size).await;
    let pools = Pools::open(open).await?;
    // Hints have connections of their own, so that they never wait behind commands.
    let hint_pool = connect(&reservation, Purpose::Relay, 2).await?;
    let metrics = Metrics::start()?;
    let wake = Wake::default();
    let mut tasks = http::tasks(&settings.clients);

    hints::announce(&mut tasks, &hint_pool, &wake, Hint::Appended);
    hints::listen(&mut tasks, &hint_pool, &wake, Hint::Sequenced);
    hints::listen(&mut tasks, &hint_pool, &wake, Hint::Applied);
    let incarnations = Incarnations::open(pools.platform.clone()).await?;
    let reader = Reader::new(pools.queries, pools.platform.clone(), incarnations.clone());
    let ready = Ready::new(Dependencies {
        pool: pools.probes,
        // A lagging read model is no reason to send clients away: commands and queries are still answered,
        // and a query with a token waits by itself. The processes that project report the lag.
        consumers: Vec::new(),
        relay: None,
        backs_up: false,
        draining: tasks.draining(),
    });
    let services = Services {
        commands: commands::executor(&mut tasks, pools.commands, pools.appending, &wake).await?,
        consistency: queries::consistency(&mut tasks, &reader, &wake, &settings.clients),
        reader,
        changes: queries::changes(
            &mut tasks,
            &pools.tail,
            pools.subscriptions,
            SharedLog::new(pools.tail.clone(), incarnations),
            &wake,
            UNTIL_HINTED,
        ),
        operating: queries::operations(&pools.platform, &wake),
        operators: settings.clients.operators_org.clone(),
        readiness: Arc::clone(&ready) as _,
    };
    let listener = http::listen(settings.listen).await?;
    // Nobody is sent here before requests can wait at the listener.
    http::keep_current(&mut tasks, &ready, &metrics);
    http::serve_operations(&mut tasks, &ready, &metrics, settings.metrics_listen).await?;
    tracing::info!(address = %listener.local_addr()?, "serving the API");
    http::serve_api(
        &mut tasks,
        listener,
        services,
        auth,
        &settings.clients,
        &metrics,
    )
    .await?;
    reservation.hold(&mut tasks);
    tasks.run().await
}

/// Reads the signing key, and logs a warning if `up` created it for development.
fn signing_key(file: &Path) -> anyhow::Result<Vec<u8>> {
    let key = key::of_file(file)?;
    if key::is_for_development(&key) {
        tracing::warn!(
            file = %file.display(),
            "tokens are signed with a development key: replace it, for example with the output of \
             `openssl rand -base64 48`"
        );
    }
    Ok(key)
}
