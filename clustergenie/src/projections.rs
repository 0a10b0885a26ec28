//! `clustergenie projections`: shows and operates projections.
//!
//! Standard output has results only. Every action is recorded in the database with a name and a reason;
//! running processes read the record there.

mod json;
mod text;
pub(crate) mod user;
mod watch;

use std::io::{self, Write};

use anyhow::{Context, bail};
use commands::process::registry;
use event_store::consume::parked::ParkedStream;
use event_store::consume::retry::Retried;
use event_store::pool::{self, Purpose};
use projections::operations::{OperateError, Operations};
use projections::rebuild::RequestError;
use serde_json::json;
use uuid::Uuid;

use crate::config::{Projections, ProjectionsAction, RetryProjection};
use crate::output::CommandOutput;

/// Number of connections: one for the action, one for its reads meanwhile.
const CONNECTIONS: u32 = 2;

/// Runs the action and prints its result.
///
/// # Errors
/// When the database cannot be used, or the action is refused. The error says what to do instead.
pub(crate) async fn run(settings: Projections) -> anyhow::Result<()> {
    let url = settings.database.url()?;
    let pool = pool::connect(&url, Purpose::Operators, CONNECTIONS)
        .await
        .context("the database cannot be used: check --database-url (CLUSTERGENIE_DATABASE_URL)")?;
    schema::migrate::check(&pool).await?;
    projections::tables::check(&pool).await?;
    let mut consumers = projections::consumers();
    consumers.extend(registry::todo_lists());
    let operator = Operator {
        operations: Operations::new(pool, consumers),
        name: settings.by.map_or_else(user::name, Ok)?,
    };
    let output = operator
        .run(settings.action.unwrap_or(ProjectionsAction::List))
        .await?;
    output.print(settings.json)
}

/// The name of an operator, and the operations on projections.
struct Operator {
    operations: Operations,
    name: String,
}

impl Operator {
    async fn run(&self, action: ProjectionsAction) -> anyhow::Result<CommandOutput> {
        match action {
            ProjectionsAction::List => self.list().await,
            ProjectionsAction::Parked { name } => self.parked(name).await,
            ProjectionsAction::Retry(retry) => self.retry(retry).await,
            ProjectionsAction::Skip { name, stream, why } => {
                let operations = &self.operations;
                operations
                    .skip(&name, stream, None, &self.name, &why.reason)
                    .await?;
                let text = format!("skipped {stream} in {name}: its rows stay as they are");
                self.done(&name, text).await
            }
            ProjectionsAction::Pause { name, why } => {
                let paused = self
                    .operations
                    .pause(&name, &self.name, &why.reason)
                    .await?;
                let text = if paused {
                    format!("{name} is paused: no events are applied to it")
                } else {
                    format!("{name} was paused already; its first reason stays")
                };
                self.done(&name, text).await
            }
            ProjectionsAction::Resume { name } => {
                let resumed = self.operations.resume(&name).await?;
                let text = if resumed {
                    format!("{name} is resumed")
                } else {
                    format!("{name} was not paused")
                };
                self.done(&name, text).await
            }
            ProjectionsAction::Rebuild { name, reason, wait } => {
                self.rebuild(&name, &reason, wait).await
            }
            ProjectionsAction::GiveUp { name } => {
                let Some(generation) = self.operations.give_up(&name).await? else {
                    bail!("{name} is not being rebuilt: there is nothing to cancel");
                };
                let text = format!("the rebuild of {name} (generation {generation}) is cancelled");
                self.done(&name, text).await
            }
        }
    }

    async fn list(&self) -> anyhow::Result<CommandOutput> {
        let statuses = self.operations.statuses().await?;
        Ok(CommandOutput {
            text: text::statuses(&statuses),
            json: statuses.iter().map(json::status).collect(),
        })
    }

    async fn parked(&self, name: Option<String>) -> anyhow::Result<CommandOutput> {
        let names = match name {
            Some(name) => vec![name],
            None => {
                let statuses = self.operations.statuses().await?;
                statuses
                    .into_iter()
                    .map(|status| status.name.to_owned())
                    .collect()
            }
        };
        let mut parked: Vec<(String, ParkedStream)> = Vec::new();
        for name in names {
            let streams = self.operations.parked(&name, None, None).await?;
            parked.extend(streams.into_iter().map(|stream| (name.clone(), stream)));
        }
        Ok(CommandOutput {
            text: text::parked(&parked),
            json: parked
                .iter()
                .map(|(name, stream)| json::parked(name, stream))
                .collect(),
        })
    }

    async fn retry(
        &self,
        RetryProjection { name, stream, .. }: RetryProjection,
    ) -> anyhow::Result<CommandOutput> {
        let streams = match stream {
            Some(stream) => vec![stream],
            None => {
                let parked = self.operations.parked(&name, None, None).await?;
                parked.into_iter().map(|parked| parked.stream_id).collect()
            }
        };
        let mut tried: Vec<(Uuid, Retried)> = Vec::new();
        for stream in streams {
            tried.push((stream, self.operations.retry(&name, stream, None).await?));
        }
        let parked = self.operations.parked(&name, None, None).await?;
        let lines = tried.iter().map(|(stream, retried)| {
            let still = parked.iter().find(|parked| parked.stream_id == *stream);
            text::retried(*stream, *retried, still)
        });
        let text = if tried.is_empty() {
            format!("no stream is parked in {name}\n")
        } else {
            lines.collect()
        };
        let json = tried.iter().map(|(stream, retried)| {
            json!({ "stream": stream, "applied": retried.applied, "parked": retried.parked })
        });
        Ok(CommandOutput {
            text,
            json: json.collect(),
        })
    }

    async fn rebuild(&self, name: &str, reason: &str, wait: bool) -> anyhow::Result<CommandOutput> {
        let generation = match self.operations.rebuild(name, &self.name, reason).await {
            Err(OperateError::Rebuild(RequestError::InTheMaking { generation, .. })) if wait => {
                // Progress is optional: standard error may be closed.
                let _ = writeln!(
                    io::stderr(),
                    "{name} is being rebuilt already (generation {generation}): waiting for that rebuild"
                );
                generation
            }
            asked => asked?,
        };
        let text = if wait {
            watch::until_live(&self.operations, name, generation).await?
        } else {
            format!(
                "the rebuild of {name} (generation {generation}) is requested: `clustergenie projections` \
                 shows its progress"
            )
        };
        self.done(name, text).await
    }

    /// The result of an action on a projection, with the projection's state.
    async fn done(&self, name: &str, text: String) -> anyhow::Result<CommandOutput> {
        let status = self.operations.status(name).await?;
        Ok(CommandOutput {
            text: format!("{text}\n"),
            json: json::status(&status),
        })
    }
}
