//! Ends commands that write no events: those that are refused, and those that find nothing to do. Each is recorded
//! before its answer, together with its idempotency key.

use event_store::incarnation::IncarnationId;
use event_store::write::append::{Append, Outcome};
use event_store::write::command::{CommandOutcome, CommandRecord};
use event_store::write::idempotency::{Keyed, Repeated};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Command, Commands};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::CommandError;
use crate::floods;
use crate::receipt::Receipt;

/// A command that the sender's role does not allow.
#[derive(Clone, Debug)]
pub struct Denial {
    /// The name of the command.
    pub name: String,
    /// The missing right.
    pub rule: String,
    /// The arguments, as they were sent.
    pub input: Value,
}

impl Commands {
    /// Records a command that has its answer, and no key.
    pub(super) async fn note(
        &self,
        context: &Context,
        record: CommandRecord,
    ) -> Result<(), CommandError> {
        let known = self.incarnations.known().await?.current().id;
        match self.settle(context, None, record.clone(), None).await {
            // Nobody appended since the server changed, so the incarnation of the new one has not begun.
            Err(CommandError::OtherIncarnation) => {
                self.incarnations.after(known).await?;
                self.settle(context, None, record, None).await?;
            }
            // A lock was in the way.
            Err(CommandError::Conflict) => {
                self.settle(context, None, record, None).await?;
            }
            settled => {
                settled?;
            }
        }
        Ok(())
    }

    /// Returns the answer to a repeated command: that of the first run, if it had the same request. The first run was
    /// found in this incarnation of the log.
    pub(super) async fn repeated(
        &self,
        command: Command<'_>,
        first: &Repeated,
        incarnation: IncarnationId,
    ) -> Result<Receipt, CommandError> {
        if command.key.is_some_and(|key| key.is_of(first)) {
            let answer = Answer::of_text(&first.receipt, incarnation);
            let answer = answer.map_err(|error| CommandError::Unavailable(error.into()))?;
            return answer.into_result();
        }
        let reused = CommandError::KeyReused;
        let record = command.recorder.without_events(Some(&reused), &[], None);
        self.note(command.context, record).await?;
        Err(reused)
    }

    /// Stores the record and the key of a command without events, in one transaction. Returns the first run under the
    /// key instead, if there was one: then nothing is stored.
    ///
    /// # Errors
    /// [`CommandError::OtherIncarnation`] if the log is in another incarnation than this one: nothing is stored.
    pub(super) async fn settle(
        &self,
        context: &Context,
        keyed: Option<Keyed>,
        record: CommandRecord,
        incarnation: Option<IncarnationId>,
    ) -> Result<Option<Repeated>, CommandError> {
        let metadata = context.metadata();
        let is_refused = record.outcome != CommandOutcome::Unchanged;
        let record = self.floods.admit(&context.org, &metadata, record);
        // A flood of refusals fills no table with keys either.
        let keyed = keyed.filter(|_| record.is_some() || !is_refused);
        if record.is_none() && keyed.is_none() {
            return Ok(None);
        }
        let append = Append {
            incarnation,
            keyed,
            record,
            ..Append::new(context.org.clone(), Vec::new(), metadata)
        };
        match self.appender.append(append).await? {
            Outcome::Appended => Ok(None),
            Outcome::Repeated(first) => Ok(Some(first)),
            Outcome::OtherIncarnation => Err(CommandError::OtherIncarnation),
            Outcome::Conflict | Outcome::Taken(_) | Outcome::Exceeded { .. } => {
                Err(CommandError::Conflict)
            }
        }
    }

    /// Records that a command was denied, because the sender's role does not allow it. A failure is only logged: the
    /// command stays denied.
    pub async fn denied(&self, context: &Context, denial: Denial) {
        let record = CommandRecord {
            name: denial.name.into(),
            stream: None,
            credential: context.credential.clone(),
            outcome: CommandOutcome::Denied,
            rule: Some(denial.rule.into()),
            times: 1,
            input: denial.input.to_string(),
            basis: "{}".to_owned(),
        };
        if let Err(error) = self.note(context, record).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a denied command was not recorded"
            );
        }
    }

    /// Records the counts of commands without events beyond the rate of their actors, until `stop`.
    pub async fn record_floods(self, stop: CancellationToken) {
        loop {
            let is_last = tokio::time::timeout(floods::WRITE_EVERY, stop.cancelled())
                .await
                .is_ok();
            for append in self.floods.take() {
                let written = self.appender.append(append.clone()).await;
                if matches!(written, Ok(Outcome::Appended)) {
                    continue;
                }
                self.floods.put_back(append);
                tracing::warn!(
                    ?written,
                    "commands that were counted were not recorded; retrying"
                );
                if let (Ok(Outcome::OtherIncarnation), Ok(known)) =
                    (written, self.incarnations.known().await)
                {
                    // An error shows at the next attempt.
                    let _ = self.incarnations.after(known.current().id).await;
                }
            }
            if is_last {
                return;
            }
        }
    }
}
