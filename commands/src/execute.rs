//! Carries out a command: load, decide, append; and retry after a conflict.

mod key;
mod without_events;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ids::OrgId;
use domain::registry::Registered;
use event_store::backoff::Backoff;
use event_store::envelope::{StreamId, Version};
use event_store::error::StoreError;
use event_store::incarnation::{IncarnationId, Incarnations};
use event_store::write::append::{Append, Outcome};
use event_store::write::group::Appender;
use event_store::write::idempotency;
use event_store::write::snapshot;
use sqlx::PgPool;
use tracing::Instrument;

use crate::answer::Answer;
use crate::cache::{Cache, Memory};
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
    incarnations: Incarnations,
    appender: Appender,
    memory: Arc<Memory>,
    locks: Arc<StreamLocks>,
    floods: Arc<Floods>,
}

impl Commands {
    /// Returns an executor that appends through this appender and reads streams through this pool, of a log with these
    /// incarnations.
    #[must_use]
    pub fn new(pool: PgPool, appender: Appender, incarnations: Incarnations) -> Self {
        Self {
            incarnations,
            pool,
            appender,
            memory: Arc::default(),
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
            Err(CommandError::Conflict | CommandError::OtherIncarnation) => "conflict",
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
        let stream = stream.into();
        let known = self.incarnations.known().await?.current().id;
        match streams::read(&self.pool, known, org, stream).await {
            Err(StoreError::OtherIncarnation) => {
                let current = self.incarnations.after(known).await?.current().id;
                streams::read(&self.pool, current, org, stream).await
            }
            read => read,
        }
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
                self.note(context, record).await?;
                return Err(refused);
            }
        };
        let stored_key = key.as_ref().map(Key::stored);
        let recorder = Recorder::new(context, use_case, &arguments, stored_key);
        let command = Command {
            context,
            key: key.as_ref(),
            recorder: &recorder,
        };
        let mut locks = self.locks.take([use_case.subject()]).await;
        let mut trust = Trust::Memory;
        let mut conflicts = 0;
        let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let incarnation = self.incarnations.known().await?.current().id;
            let cache = self.memory.of(incarnation);
            let view = View {
                incarnation,
                cache: &cache,
                trust,
            };
            let left = match self.attempt(command, use_case, view).await? {
                Attempted::Answered(answer) => return answer,
                Attempted::OnMemory => {
                    trust = Trust::Store;
                    continue;
                }
                left => left,
            };
            conflicts += 1;
            if conflicts == MAX_CONFLICTS {
                let read = match &left {
                    Attempted::Conflicted { read, .. } => read.as_slice(),
                    Attempted::InOtherIncarnation
                    | Attempted::Answered(_)
                    | Attempted::OnMemory => &[],
                };
                // The key stays free: sent again, the command is decided again.
                let conflict = CommandError::Conflict;
                let record = recorder.without_events(Some(&conflict), read, None);
                if let Err(error) = self.note(context, record).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "a conflict was not recorded");
                }
                return Err(conflict);
            }
            match left {
                Attempted::Answered(_) | Attempted::OnMemory => {}
                // The next attempt knows nothing of what was before.
                Attempted::InOtherIncarnation => {
                    self.incarnations.after(incarnation).await?;
                }
                Attempted::Conflicted { guarded, .. } => {
                    tokio::time::sleep(pauses.next_pause()).await;
                    // Whoever changes what was read goes before or after this command from now on.
                    locks.clear();
                    let streams = guarded.into_iter().chain([use_case.subject()]);
                    locks = self.locks.take(streams).await;
                    trust = Trust::Store;
                }
            }
        }
    }

    /// Decides once, and stores what was decided.
    async fn attempt(
        &self,
        command: Command<'_>,
        use_case: &impl UseCase,
        view: View<'_>,
    ) -> Result<Attempted, CommandError> {
        let View {
            incarnation,
            cache,
            trust,
        } = view;
        let Command {
            context,
            key,
            recorder,
        } = command;
        let mut streams = Streams::new(&self.pool, incarnation, cache, &context.org, trust);
        let decided = use_case.decide(context, &mut streams).await;
        let decided = decided.and_then(Decision::within_bounds);
        let decided = decided.map(|decision| decision.resting_on(&streams));
        let read = streams.read_for_decision();
        let (judged, met) = match decided {
            Ok(decision) if decision.is_empty() => (Ok(decision.receipt(incarnation)), None),
            Ok(decision) => {
                let appended = self.append(command, &decision, read, incarnation).await;
                match appended {
                    Ok(Outcome::Appended) => {
                        let receipt = decision.receipt(incarnation);
                        self.appended(&context.org, decision, view).await;
                        return Ok(Attempted::Answered(Ok(receipt)));
                    }
                    Ok(Outcome::Repeated(first)) => {
                        // The cache does not hold what the first run wrote.
                        forget(cache, &decision);
                        let answer = self.repeated(command, &first, incarnation).await;
                        return Ok(Attempted::Answered(answer));
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
                        forget(cache, &decision);
                        let guarded = decision.reads().iter().map(|(stream, _)| *stream);
                        return Ok(Attempted::Conflicted {
                            guarded: guarded.collect(),
                            read: read.to_vec(),
                        });
                    }
                    Ok(Outcome::OtherIncarnation) => return Ok(Attempted::InOtherIncarnation),
                    Err(error @ CommandError::Rejected(_)) => (Err(error), None),
                    Err(error) => return Err(error),
                }
            }
            Err(error @ CommandError::Rejected(_)) => (Err(error), None),
            Err(CommandError::OtherIncarnation) => return Ok(Attempted::InOtherIncarnation),
            Err(error) => return Err(error),
        };
        // A rejection, or nothing to do: either answer must rest on the state as it is stored.
        if streams.believed() {
            return Ok(Attempted::OnMemory);
        }
        // The first run of this very command may be what made it illegal, or left nothing to do.
        if let Some(key) = key {
            let first = idempotency::find(&self.pool, incarnation, &context.org, key.stored());
            match first.await {
                Ok(None) => {}
                Ok(Some(first)) => {
                    let answer = self.repeated(command, &first, incarnation).await;
                    return Ok(Attempted::Answered(answer));
                }
                Err(StoreError::OtherIncarnation) => return Ok(Attempted::InOtherIncarnation),
                Err(error) => return Err(error.into()),
            }
        }
        let record = recorder.without_events(judged.as_ref().err(), read, met);
        let keyed = key.and_then(|key| key.keyed_answer(context, &judged));
        let settled = self.settle(context, keyed, record, Some(incarnation)).await;
        Ok(match settled {
            Ok(None) => Attempted::Answered(judged),
            Ok(Some(first)) => {
                Attempted::Answered(self.repeated(command, &first, incarnation).await)
            }
            Err(CommandError::OtherIncarnation) => Attempted::InOtherIncarnation,
            // A lock was in the way.
            Err(CommandError::Conflict) => Attempted::Conflicted {
                guarded: Vec::new(),
                read: read.to_vec(),
            },
            Err(error) => return Err(error),
        })
    }

    async fn append(
        &self,
        command: Command<'_>,
        decision: &Decision,
        read: &[(StreamId, Version)],
        incarnation: IncarnationId,
    ) -> Result<Outcome, CommandError> {
        let Command {
            context,
            key,
            recorder,
        } = command;
        let receipt = || Answer::Done(decision.receipt(incarnation));
        let append = Append {
            incarnation: Some(incarnation),
            reads: decision.reads().to_vec(),
            names: decision.names()?,
            counters: decision.counters(),
            keyed: key.map(|key| key.keyed(&receipt())),
            record: Some(recorder.accepted(read)),
            ..Append::new(context.org.clone(), decision.appends(), context.metadata())
        };
        Ok(self.appender.append(append).await?)
    }

    /// Caches the committed states, and stores snapshots of the streams that have become long. Both follow
    /// the commit, because a snapshot must never know an event that does not exist.
    async fn appended(&self, org: &OrgId, decision: Decision, view: View<'_>) {
        for change in std::iter::once(decision.subject).chain(decision.others) {
            if is_due(&change) {
                self.snapshot(&change, view.incarnation).await;
            }
            let version = change.version();
            view.cache.put(org, change.stream, version, change.after);
        }
    }

    async fn snapshot(&self, change: &Change, incarnation: IncarnationId) {
        let (stream, version) = (change.stream, change.version());
        let saved = match change.after.snapshot() {
            Ok(state) => snapshot::save(&self.pool, incarnation, stream, version, &state).await,
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
}

/// The parts of a command that all its attempts share.
#[derive(Clone, Copy)]
struct Command<'a> {
    context: &'a Context,
    key: Option<&'a Key>,
    recorder: &'a Recorder<'a>,
}

/// The sources of the states of one attempt to carry out a command.
#[derive(Clone, Copy)]
struct View<'a> {
    /// The incarnation of the log that everything is read in.
    incarnation: IncarnationId,
    /// The states that this process remembers of that incarnation.
    cache: &'a Cache,
    trust: Trust,
}

/// The end of an attempt to carry out a command.
enum Attempted {
    /// The command has its answer, by this attempt or an earlier one.
    Answered(Result<Receipt, CommandError>),
    /// The answer would rest on remembered states: decide again on stored ones.
    OnMemory,
    /// The log is in another incarnation. Nothing was written.
    InOtherIncarnation,
    /// A stream changed meanwhile. Nothing was written.
    Conflicted {
        /// The streams that the decision read besides those that it would have written.
        guarded: Vec<StreamId>,
        /// All streams that the decision read, with their versions.
        read: Vec<(StreamId, Version)>,
    },
}

/// Forgets what the decision rested on.
fn forget(cache: &Cache, decision: &Decision) {
    let reads = decision.reads().iter().map(|(stream, _)| *stream);
    for stream in decision.changes().map(|change| change.stream).chain(reads) {
        cache.forget(stream);
    }
}

/// Returns true if the change took its stream over a multiple of [`snapshot::EVERY`].
fn is_due(change: &Change) -> bool {
    change.before.0 / snapshot::EVERY < change.version().0 / snapshot::EVERY
}
