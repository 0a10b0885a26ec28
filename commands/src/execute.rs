//! Carries out a command: load, decide, append; and retry after a conflict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ids::OrgId;
use domain::registry::Registered;
use event_store::backoff::Backoff;
use event_store::envelope::StreamId;
use event_store::error::StoreError;
use event_store::write::append::{Append, Outcome};
use event_store::write::group::Appender;
use event_store::write::idempotency::{self, Keyed, Repeated};
use event_store::write::snapshot;
use serde_json::Value;
use sqlx::PgPool;
use tracing::Instrument;

use crate::cache::Cache;
use crate::context::Context;
use crate::decision::{Change, Decision};
use crate::error::{CommandError, Rejected};
use crate::receipt::Receipt;
use crate::request;
use crate::stream_locks::StreamLocks;
use crate::streams::{self, Loaded, Streams, Trust};

/// The number of conflicts after which a command fails.
const MAX_CONFLICTS: u32 = 5;

/// The pauses after conflicts: from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Carries out commands. Cheap to clone; clones share the cache of streams.
#[derive(Clone, Debug)]
pub struct Commands {
    pool: PgPool,
    appender: Appender,
    cache: Arc<Cache>,
    locks: Arc<StreamLocks>,
}

/// A use case: one kind of command, with its arguments.
pub(crate) trait UseCase: Sync {
    /// Returns the name of the use case. The name is part of the request's hash, so it never changes.
    fn name(&self) -> &'static str;

    /// Returns the stream of the aggregate that the command names.
    fn subject(&self) -> StreamId;

    /// Returns the arguments of the client, without ids that were made for this request. The arguments are
    /// part of the request's hash, so their form never changes.
    fn arguments(&self) -> Value;

    /// Decides on the command. May be called several times, on newer states.
    fn decide(
        &self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> impl Future<Output = Result<Decision, CommandError>> + Send;
}

impl Commands {
    /// Returns an executor that appends through this appender and reads streams through this pool.
    #[must_use]
    pub fn new(pool: PgPool, appender: Appender) -> Self {
        Self {
            pool,
            appender,
            cache: Arc::new(Cache::new()),
            locks: Arc::new(StreamLocks::new()),
        }
    }

    /// Carries out a use case and returns its receipt.
    pub(crate) async fn execute(
        &self,
        context: &Context,
        use_case: &impl UseCase,
    ) -> Result<Receipt, CommandError> {
        let started = Instant::now();
        let span = tracing::info_span!(
            "command",
            command.name = use_case.name(),
            command.id = %context.command_id,
            correlation.id = %context.correlation_id,
            org.id = %context.org,
            stream.id = %use_case.subject(),
        );
        let result = self.try_execute(context, use_case).instrument(span).await;
        let outcome = match &result {
            Ok(_) => "accepted",
            Err(CommandError::Rejected(_) | CommandError::KeyReused) => "rejected",
            Err(CommandError::Conflict) => "conflict",
            Err(CommandError::Unavailable(_)) => "unavailable",
        };
        metrics::histogram!(
            "clustergenie_command_seconds",
            "command" => use_case.name(), "outcome" => outcome
        )
        .record(started.elapsed().as_secs_f64());
        result
    }

    /// Returns the state of a stream as it is stored now.
    pub(crate) async fn stored<D: Registered>(
        &self,
        org: &OrgId,
        stream: impl Into<StreamId>,
    ) -> Result<Loaded<D>, StoreError> {
        streams::read(&self.pool, org, stream.into()).await
    }

    async fn try_execute(
        &self,
        context: &Context,
        use_case: &impl UseCase,
    ) -> Result<Receipt, CommandError> {
        let key = context.stored_key()?.map(|key| {
            let hash = request::hash(&context.org, use_case.name(), &use_case.arguments());
            Key { key, hash }
        });
        let mut locks = self.locks.take([use_case.subject()]).await;
        let mut trust = Trust::Memory;
        let mut conflicts = 0;
        let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let mut streams = Streams::new(&self.pool, &self.cache, &context.org, trust);
            let decided = use_case.decide(context, &mut streams).await;
            let decided = decided.and_then(Decision::within_bounds);
            let decided = decided.map(|decision| decision.resting_on(&streams));
            let answer = match decided {
                Ok(decision) if decision.is_empty() => Ok(decision.receipt()),
                Ok(decision) => match self.append(context, &decision, key.as_ref()).await? {
                    Outcome::Appended => {
                        let receipt = decision.receipt();
                        self.appended(&context.org, decision).await;
                        return Ok(receipt);
                    }
                    Outcome::Repeated(first) => {
                        // The cache does not hold what the first run wrote.
                        self.forget(&decision);
                        return answer_of(&first, key.as_ref());
                    }
                    Outcome::Taken(name) => Err(Rejected::name_taken(&name)),
                    Outcome::Exceeded { counter, count } => Err(decision.refusal(&counter, count)),
                    Outcome::Conflict => {
                        self.forget(&decision);
                        conflicts += 1;
                        if conflicts == MAX_CONFLICTS {
                            return Err(CommandError::Conflict);
                        }
                        tokio::time::sleep(pauses.next_pause()).await;
                        // Whoever changes what was read goes before or after this command from now on.
                        locks.clear();
                        let read = decision.reads().iter().map(|(stream, _)| *stream);
                        let streams = read.chain([use_case.subject()]);
                        locks = self.locks.take(streams).await;
                        trust = Trust::Store;
                        continue;
                    }
                },
                Err(CommandError::Rejected(rejected)) => Err(rejected),
                Err(error) => return Err(error),
            };
            // A rejection, or nothing to do: either answer must rest on the state as it is stored.
            if streams.believed() {
                trust = Trust::Store;
                continue;
            }
            let Some(key) = &key else {
                return Ok(answer?);
            };
            // The first run of this very command may be what left nothing to do, or made it illegal.
            let first = match &answer {
                // The key is used up too if there is nothing to do: sent again when there is something to
                // do, the command must not do it after all.
                Ok(receipt) => {
                    let keyed = key.keyed(receipt);
                    idempotency::remember(&self.pool, &context.org, &keyed).await?
                }
                Err(_) => idempotency::find(&self.pool, &context.org, &key.key).await?,
            };
            return match first {
                Some(first) => answer_of(&first, Some(key)),
                None => Ok(answer?),
            };
        }
    }

    async fn append(
        &self,
        context: &Context,
        decision: &Decision,
        key: Option<&Key>,
    ) -> Result<Outcome, CommandError> {
        let append = Append {
            reads: decision.reads().to_vec(),
            names: decision.names()?,
            counters: decision.counters(),
            keyed: key.map(|key| key.keyed(&decision.receipt())),
            ..Append::new(context.org.clone(), decision.appends(), context.metadata())
        };
        Ok(self.appender.append(append).await?)
    }

    /// Caches the committed states, and stores snapshots of the streams that have become long. Both follow
    /// the commit, because a snapshot must never know an event that does not exist.
    async fn appended(&self, org: &OrgId, decision: Decision) {
        for change in std::iter::once(decision.subject).chain(decision.others) {
            if is_due(&change) {
                self.snapshot(&change).await;
            }
            let version = change.version();
            self.cache.put(org, change.stream, version, change.after);
        }
    }

    async fn snapshot(&self, change: &Change) {
        let (stream, version) = (change.stream, change.version());
        let saved = match change.after.snapshot() {
            Ok(state) => snapshot::save(&self.pool, stream, version, &state).await,
            Err(error) => {
                tracing::warn!(%error, stream.id = %stream, "a state cannot be written as JSON");
                return;
            }
        };
        if let Err(error) = saved {
            // The failure only costs the next load of the stream some time.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                stream.id = %stream,
                "a snapshot was not stored"
            );
        }
    }

    fn forget(&self, decision: &Decision) {
        let reads = decision.reads().iter().map(|(stream, _)| *stream);
        for stream in decision.changes().map(|change| change.stream).chain(reads) {
            self.cache.forget(stream);
        }
    }
}

/// An idempotency key and the hash of its request.
struct Key {
    key: String,
    hash: [u8; 32],
}

impl Key {
    /// Returns the stored form of the key: with the request's hash and this receipt.
    fn keyed(&self, receipt: &Receipt) -> Keyed {
        Keyed {
            key: self.key.clone(),
            request_hash: self.hash,
            receipt: serde_json::to_string(receipt)
                .expect("a receipt is made of texts and numbers"),
        }
    }
}

/// Returns the answer to a repeated command: the receipt of the first run, if the first run had the same
/// request.
fn answer_of(first: &Repeated, key: Option<&Key>) -> Result<Receipt, CommandError> {
    if key.is_none_or(|key| first.request_hash != key.hash) {
        return Err(CommandError::KeyReused);
    }
    serde_json::from_str(&first.receipt).map_err(|error| CommandError::Unavailable(error.into()))
}

/// Returns true if the change took its stream over a multiple of [`snapshot::EVERY`].
fn is_due(change: &Change) -> bool {
    change.before.0 / snapshot::EVERY < change.version().0 / snapshot::EVERY
}
