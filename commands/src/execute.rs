//! Carries out a command: load, decide, append; and retry after a conflict.

mod key;
mod without_events;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ids::OrgId;
use domain::registry::Registered;
use event_store::backoff::Backoff;
use event_store::envelope::StreamId;
use event_store::error::StoreError;
use event_store::write::append::{Append, Outcome};
use event_store::write::command::CommandRecord;
use event_store::write::group::Appender;
use event_store::write::snapshot;
use sqlx::PgPool;
use tracing::Instrument;

use crate::answer::Answer;
use crate::cache::Cache;
use crate::context::Context;
use crate::decision::{Change, Decision};
use crate::error::{CommandError, Rejected};
use crate::floods::Floods;
use crate::receipt::Receipt;
use crate::record::{Met, Recorder};
use crate::stream_locks::StreamLocks;
use crate::streams::{self, Loaded, Streams, Trust};
use crate::use_case::UseCase;

pub use without_events::Denial;

use key::Key;

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
    floods: Arc<Floods>,
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
            floods: Arc::new(Floods::new()),
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
        let arguments = use_case.arguments();
        let key = match Key::of(context, use_case.name(), &arguments) {
            Ok(key) => key,
            Err(refused) => {
                let refused = refused.into();
                let recorder = Recorder::new(context, use_case, &arguments, None);
                let record = recorder.without_events(Some(&refused), &[], None);
                return self.answer(context, None, record, Err(refused)).await;
            }
        };
        let stored_key = key.as_ref().map(Key::stored);
        let recorder = Recorder::new(context, use_case, &arguments, stored_key);
        let mut locks = self.locks.take([use_case.subject()]).await;
        let mut trust = Trust::Memory;
        let mut conflicts = 0;
        let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let mut streams = Streams::new(&self.pool, &self.cache, &context.org, trust);
            let decided = use_case.decide(context, &mut streams).await;
            let decided = decided.and_then(Decision::within_bounds);
            let decided = decided.map(|decision| decision.resting_on(&streams));
            let (judged, met) = match decided {
                Ok(decision) if decision.is_empty() => (Ok(decision.receipt()), None),
                Ok(decision) => {
                    let record = recorder.accepted(streams.read_for_decision());
                    let appended = self.append(context, &decision, key.as_ref(), record).await;
                    match appended {
                        Ok(Outcome::Appended) => {
                            let receipt = decision.receipt();
                            self.appended(&context.org, decision).await;
                            return Ok(receipt);
                        }
                        Ok(Outcome::Repeated(first)) => {
                            // The cache does not hold what the first run wrote.
                            self.forget(&decision);
                            return self.repeated(context, &first, key, &recorder).await;
                        }
                        Ok(Outcome::Taken(name)) => {
                            let refused = Rejected::name_taken(&name);
                            (Err(refused.into()), Some(Met::name(&name)))
                        }
                        Ok(Outcome::Exceeded { counter, count }) => {
                            let refused = decision.refusal(&counter, count);
                            (Err(refused.into()), Some(Met::count(&counter, count)))
                        }
                        Ok(Outcome::Conflict) => {
                            self.forget(&decision);
                            conflicts += 1;
                            if conflicts < MAX_CONFLICTS {
                                tokio::time::sleep(pauses.next_pause()).await;
                                // Whoever changes what was read goes before or after this command from now on.
                                locks.clear();
                                let read = decision.reads().iter().map(|(stream, _)| *stream);
                                let streams = read.chain([use_case.subject()]);
                                locks = self.locks.take(streams).await;
                                trust = Trust::Store;
                                continue;
                            }
                            let read = streams.read_for_decision();
                            let conflict = CommandError::Conflict;
                            let record = recorder.without_events(Some(&conflict), read, None);
                            // The key stays free: sent again, the command is decided again.
                            return self.answer(context, None, record, Err(conflict)).await;
                        }
                        Err(error @ CommandError::Rejected(_)) => (Err(error), None),
                        Err(error) => return Err(error),
                    }
                }
                Err(error @ CommandError::Rejected(_)) => (Err(error), None),
                Err(error) => return Err(error),
            };
            // A rejection, or nothing to do: either answer must rest on the state as it is stored.
            if streams.believed() {
                trust = Trust::Store;
                continue;
            }
            let read = streams.read_for_decision();
            let record = recorder.without_events(judged.as_ref().err(), read, met);
            let keyed = key
                .as_ref()
                .and_then(|key| key.keyed_answer(context, &judged));
            return match self.settle(context, keyed, record).await? {
                None => judged,
                Some(first) => self.repeated(context, &first, key, &recorder).await,
            };
        }
    }

    async fn append(
        &self,
        context: &Context,
        decision: &Decision,
        key: Option<&Key>,
        record: CommandRecord,
    ) -> Result<Outcome, CommandError> {
        let receipt = || Answer::Done(decision.receipt());
        let append = Append {
            reads: decision.reads().to_vec(),
            names: decision.names()?,
            counters: decision.counters(),
            keyed: key.map(|key| key.keyed(&receipt())),
            record: Some(record),
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

/// Returns true if the change took its stream over a multiple of [`snapshot::EVERY`].
fn is_due(change: &Change) -> bool {
    change.before.0 / snapshot::EVERY < change.version().0 / snapshot::EVERY
}
