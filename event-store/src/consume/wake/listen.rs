//! Receives hints from other processes.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{ANSWER, Hint, Signal, UNTIL_HINTED, Wake};
use crate::error::StoreError;
use crate::log;

/// The pause before a lost listening connection is opened again.
const RECONNECT: Duration = Duration::from_millis(500);

/// Receives a hint of other processes until `stop`. Reconnects for ever, also if a hint that is sent every
/// [`HEARTBEAT`](super::HEARTBEAT) did not come for `silence`.
pub async fn listen(
    pool: PgPool,
    wake: Wake,
    hint: Hint,
    silence: Duration,
    stop: CancellationToken,
) {
    let silence = hint.heartbeat().map_or(UNTIL_HINTED, |_| silence);
    while !stop.is_cancelled() {
        tokio::select! {
            Err(lost) = listen_once(&pool, &wake, hint, silence) => {
                tracing::debug!(
                    error = &lost as &dyn std::error::Error,
                    "the listening connection was lost"
                );
            }
            () = stop.cancelled() => return,
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn listen_once(
    pool: &PgPool,
    wake: &Wake,
    hint: Hint,
    silence: Duration,
) -> Result<Infallible, Lost> {
    let signal = hint.signal(wake);
    let mut listener = timeout(ANSWER, listener(pool, hint))
        .await
        .map_err(|_| Lost::Silent)??;
    // Covers announcements from before this connection listened.
    match hint {
        Hint::Appended | Hint::Applied => signal.raise(),
        Hint::Sequenced => look(pool, signal).await?,
    }
    loop {
        let heard = timeout(silence, listener.try_recv()).await;
        // `None`: the driver has replaced a broken connection, and something may be lost.
        let Some(notification) = heard.map_err(|_| Lost::Silent)?? else {
            return Err(Lost::Broken);
        };
        match hint {
            Hint::Appended | Hint::Applied => signal.raise(),
            Hint::Sequenced => {
                let announced = notification.payload().parse::<i64>();
                if announced.is_ok_and(|announced| announced != signal.value()) {
                    look(pool, signal).await?;
                }
            }
        }
    }
}

/// Listens on a connection outside of the pool, so that one that does not answer takes no room there.
async fn listener(pool: &PgPool, hint: Hint) -> Result<PgListener, sqlx::Error> {
    let own = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(pool.connect_options().as_ref().clone());
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(hint.channel()).await?;
    Ok(listener)
}

/// Reads the head of the log.
async fn look(pool: &PgPool, sequenced: &Signal) -> Result<(), Lost> {
    let before = sequenced.value();
    let head = timeout(ANSWER, log::head(pool)).await;
    let head = head.map_err(|_| Lost::Silent)?.map_err(Lost::Look)?;
    sequenced.found(before, head.0);
    Ok(())
}

/// The reason why the listener has to connect again.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("it broke")]
    Broken,
    #[error("nothing was heard for too long")]
    Silent,
    #[error("it cannot be made or used")]
    Postgres(#[from] sqlx::Error),
    #[error("the head of the log is not known")]
    Look(#[source] StoreError),
}
