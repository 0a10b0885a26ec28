//! Readiness of a process: the answer of `/readyz`.
//!
//! A task checks the database every second, so answering never waits for it. The rules for each part are in
//! `states`.

mod backup;
mod states;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use api::graph::readiness::{Part, PartState, Readiness};
use event_store::consume::consumer::Consumer;
use event_store::pool::renewal;
use outbox_relay::health::RelayHealth;
use projections::status::{self, ConsumerStatus};
use schema::migrate::SchemaError;
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Poll interval of the database checks.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Poll interval of [`Ready::wait`], which only reads the result of the last check.
const WAIT_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Interval of the warnings during a long start.
const WARN_INTERVAL: Duration = Duration::from_secs(10);
/// Timeout of a check, after which the database is reported as not answering.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// The name of the part that publishes to Kafka.
pub(crate) const KAFKA: &str = "kafka";

/// The dependencies of a process.
pub(crate) struct Dependencies {
    /// A connection of the tables' owner for nothing else, so that a check never waits behind other work.
    pub(crate) pool: PgPool,
    /// The consumers of this process: read models, and the to-do list of the job runner.
    pub(crate) consumers: Vec<Arc<dyn Consumer>>,
    /// The relay, if it runs in this process.
    pub(crate) relay: Option<Relay>,
    /// True if the server archives its write-ahead log for backups.
    pub(crate) backs_up: bool,
    /// Cancelled when the process is going to stop. From then on it is not ready.
    pub(crate) draining: CancellationToken,
}

/// The relay of this process.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) health: Arc<RelayHealth>,
    pub(crate) publishing: Publishing,
    pub(crate) standby: Standby,
}

/// The destination of published events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publishing {
    /// Kafka.
    Kafka,
    /// No destination: events stay in the log.
    Nowhere,
}

/// The readiness of a relay that is a standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standby {
    /// Ready, because another process may lead.
    IsReady,
    /// No readiness, because no other process can lead.
    IsNotReady,
}

/// The readiness of this process, as of the last check.
pub(crate) struct Ready {
    dependencies: Dependencies,
    database: Mutex<Vec<Part>>,
    /// True if the server was read-only at the last check.
    read_only: AtomicBool,
    /// Ensures that the warning about a newer database is logged once.
    warned_of_newer: Once,
    /// True if the database did not answer the last check.
    is_silent: AtomicBool,
    /// True if the last attempt to archive the write-ahead log had failed at the last check.
    backup_fails: AtomicBool,
}

impl Ready {
    /// Creates the readiness of a process, which is not ready until the first check.
    pub(crate) fn new(dependencies: Dependencies) -> Arc<Self> {
        let not_checked = part("postgres", Err("not checked yet".to_owned()));
        Arc::new(Self {
            dependencies,
            database: Mutex::new(vec![not_checked]),
            read_only: AtomicBool::new(false),
            warned_of_newer: Once::new(),
            is_silent: AtomicBool::new(false),
            backup_fails: AtomicBool::new(false),
        })
    }

    /// Checks the database periodically until `stop`.
    pub(crate) async fn watch(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            let found = match tokio::time::timeout(CHECK_TIMEOUT, self.check()).await {
                Ok(found) => found,
                Err(_) => {
                    let silent = format!("no answer within {} s", CHECK_TIMEOUT.as_secs());
                    vec![part("postgres", Err(silent))]
                }
            };
            *self.database.lock().expect("no holder panics") = found;
            if stop
                .run_until_cancelled(tokio::time::sleep(POLL_INTERVAL))
                .await
                .is_none()
            {
                return Ok(());
            }
        }
    }

    /// Waits until every part is ready. Logs periodic warnings about a part that is not ready.
    pub(crate) async fn wait(&self) {
        self.wait_for(|_| true).await;
    }

    /// Waits until every part but one is ready. Logs periodic warnings about another part that is not ready.
    pub(crate) async fn wait_without(&self, name: &str) {
        self.wait_for(|part| part.name != name).await;
    }

    async fn wait_for(&self, matters: impl Fn(&Part) -> bool) {
        let mut warned = Instant::now();
        while let Some((name, reason)) = self.first_not_ready(&matters) {
            if warned.elapsed() > WARN_INTERVAL {
                tracing::warn!(part = name, reason, "not ready yet");
                warned = Instant::now();
            }
            tokio::time::sleep(WAIT_POLL_INTERVAL).await;
        }
    }

    fn first_not_ready(&self, matters: impl Fn(&Part) -> bool) -> Option<(&'static str, String)> {
        let mut parts = self.parts().into_iter().filter(|part| matters(part));
        parts.find_map(|part| match part.state {
            PartState::Ready | PartState::Idle(_) => None,
            PartState::NotReady(reason) => Some((part.name, reason)),
        })
    }

    async fn check(&self) -> Vec<Part> {
        let pool = &self.dependencies.pool;
        let is_read_only = sqlx::query_scalar(renewal::IS_READ_ONLY);
        let postgres = match is_read_only.fetch_one(pool).await {
            Ok(is_read_only) => self.of_server(is_read_only),
            Err(error) => {
                if !self.is_silent.swap(true, Ordering::Relaxed) {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the database does not answer");
                }
                return vec![part("postgres", Err(states::NO_ANSWER.to_owned()))];
            }
        };
        self.is_silent.store(false, Ordering::Relaxed);
        let schema = schema::migrate::check(pool).await;
        if let Err(newer @ SchemaError::Newer { .. }) = &schema {
            self.warned_of_newer.call_once(|| {
                tracing::warn!(
                    found = %newer,
                    "this process keeps running, but cannot be started again"
                );
            });
        }
        let mut found = vec![
            part("postgres", postgres),
            part("schema", states::schema(schema)),
        ];
        match status::of(pool, &status::each(&self.dependencies.consumers)).await {
            Ok(statuses) => {
                statuses.iter().for_each(measure);
                found.extend(statuses.iter().map(|status| Part {
                    name: status.name,
                    state: states::consumer(status),
                }));
            }
            Err(error) => found.push(part("consumers", Err(error.to_string()))),
        }
        if self.dependencies.backs_up {
            found.push(self.backup().await);
        }
        found
    }

    /// Checks that the server archives its write-ahead log. Logs when it begins to fail.
    async fn backup(&self) -> Part {
        let state = match backup::failing_since(&self.dependencies.pool).await {
            Ok(failing) => {
                backup::measure(failing);
                let fails = failing.is_some();
                if fails && !self.backup_fails.swap(fails, Ordering::Relaxed) {
                    tracing::warn!(
                        "the write-ahead log is not archived, so nothing new is backed up; postgres.log has the reason"
                    );
                }
                self.backup_fails.store(fails, Ordering::Relaxed);
                states::backup(failing)
            }
            Err(error) => PartState::NotReady(error.to_string()),
        };
        Part {
            name: "backup",
            state,
        }
    }

    /// Renews the connections of this process when the server is read-only, and when it no longer is.
    fn of_server(&self, is_read_only: bool) -> Result<(), String> {
        let was_read_only = self.read_only.swap(is_read_only, Ordering::Relaxed);
        if is_read_only {
            renewal::renew();
            return Err("the server is read-only: it is a standby, or was demoted".to_owned());
        }
        if was_read_only {
            renewal::renew_at_primary();
        }
        Ok(())
    }
}

impl Readiness for Ready {
    fn parts(&self) -> Vec<Part> {
        let mut parts = self.database.lock().expect("no holder panics").clone();
        if self.dependencies.draining.is_cancelled() {
            let stopping = "it is stopping: send requests to another process".to_owned();
            parts.insert(0, part("process", Err(stopping)));
        }
        if let Some(relay) = &self.dependencies.relay {
            let now = relay.health.snapshot();
            parts.push(Part {
                name: "sequencer",
                state: states::role(&now.sequencer.state, relay.standby),
            });
            if relay.publishing == Publishing::Kafka {
                parts.push(Part {
                    name: KAFKA,
                    state: states::role(&now.publisher.state, relay.standby),
                });
            }
        }
        parts
    }
}

fn measure(status: &ConsumerStatus) {
    // Exported before the first failure, so that an alert on its increase sees the first one.
    metrics::counter!("clustergenie_consumer_failures_total", "consumer" => status.name)
        .increment(0);
    let gauge = |name| metrics::gauge!(name, "projection" => status.name);
    gauge("clustergenie_projection_lag_events").set(status.lag_events as f64);
    gauge("clustergenie_projection_lag_seconds").set(status.lag.as_secs_f64());
    gauge("clustergenie_projection_parked_streams").set(status.parked_streams as f64);
    let paused = matches!(status.state, status::State::Paused { .. });
    gauge("clustergenie_projection_paused").set(f64::from(u8::from(paused)));
    // Without a rebuild nothing is missing.
    let share = status
        .building
        .as_ref()
        .map_or(1.0, |building| building.share);
    gauge("clustergenie_projection_building_share").set(share);
}

fn part(name: &'static str, state: Result<(), String>) -> Part {
    let state = match state {
        Ok(()) => PartState::Ready,
        Err(reason) => PartState::NotReady(reason),
    };
    Part { name, state }
}
