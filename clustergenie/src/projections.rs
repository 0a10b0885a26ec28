//! `clustergenie projections`: what operators see of consumers and do to them.
//!
//! Results go to standard output, and nothing else does. What is done is recorded with a name and a reason;
//! processes that run take it in by themselves, because all of it is in the database.

mod json;
mod text;
pub(crate) mod user;
mod watch;

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::{Context, bail};
use commands::process::job_runner::TodoList;
use event_store::consume::parked::ParkedStream;
use event_store::consume::retry::Retried;
use event_store::consume::wake::Signal;
use event_store::pool::{self, Purpose};
use projections::operations::{OperateError, Operations};
use projections::rebuild::RequestError;
use serde_json::json;
use uuid::Uuid;

use crate::config::{Projections, ProjectionsAction, RetryProjection};
use crate::output::Done;

/// Connections: one for what is done, one for what it looks up meanwhile.
const CONNECTIONS: u32 = 2;

/// Does it, and prints what came of it.
///
/// # Errors
/// When the database cannot be used, or something cannot be done: a sentence that says what to do instead.
pub(crate) async fn run(settings: Projections) -> anyhow::Result<()> {
    let url = settings.database.url()?;
    let pool = pool::connect(&url, Purpose::Maintenance, CONNECTIONS)
        .await
        .context("the database cannot be used: check --database-url (CLUSTERGENIE_DATABASE_URL)")?;
    schema::migrate::check(&pool).await?;
    projections::tables::check(&pool).await?;
    let mut consumers = projections::consumers();
    // Nobody listens to this signal: who works the list off looks by itself.
    consumers.push(Arc::new(TodoList::new(Signal::new())));
    let desk = Desk {
        operating: Operations::new(pool, consumers),
        by: settings.by.map_or_else(user::name, Ok)?,
    };
    let done = desk
        .carry_out(settings.action.unwrap_or(ProjectionsAction::List))
        .await?;
    done.print(settings.json)
}

/// Where somebody operates consumers.
struct Desk {
    operating: Operations,
    by: String,
}

impl Desk {
    async fn carry_out(&self, action: ProjectionsAction) -> anyhow::Result<Done> {
        match action {
            ProjectionsAction::List => self.list().await,
            ProjectionsAction::Parked { name } => self.parked(name).await,
            ProjectionsAction::Retry(retry) => self.retry(retry).await,
            ProjectionsAction::Skip { name, stream, why } => {
                let operating = &self.operating;
                operating
                    .skip(&name, stream, None, &self.by, &why.reason)
                    .await?;
                let text = format!("the stream {stream} stays as it is in {name}");
                self.done(&name, text).await
            }
            ProjectionsAction::Pause { name, why } => {
                let paused = self.operating.pause(&name, &self.by, &why.reason).await?;
                let text = if paused {
                    format!("{name} is paused: nothing is applied to it any more")
                } else {
                    format!("{name} was paused already, and stays so for the reason given then")
                };
                self.done(&name, text).await
            }
            ProjectionsAction::Resume { name } => {
                let resumed = self.operating.resume(&name).await?;
                let text = if resumed {
                    format!("{name} goes on within a moment")
                } else {
                    format!("{name} was not paused")
                };
                self.done(&name, text).await
            }
            ProjectionsAction::Rebuild { name, reason, wait } => {
                self.rebuild(&name, &reason, wait).await
            }
            ProjectionsAction::GiveUp { name } => {
                let Some(generation) = self.operating.give_up(&name).await? else {
                    bail!("no generation of {name} is being made: there is nothing to give up");
                };
                let text = format!("generation {generation} of {name} is given up");
                self.done(&name, text).await
            }
        }
    }

    async fn list(&self) -> anyhow::Result<Done> {
        let statuses = self.operating.statuses().await?;
        Ok(Done {
            text: text::statuses(&statuses),
            json: statuses.iter().map(json::status).collect(),
        })
    }

    async fn parked(&self, name: Option<String>) -> anyhow::Result<Done> {
        let names = match name {
            Some(name) => vec![name],
            None => {
                let statuses = self.operating.statuses().await?;
                statuses
                    .into_iter()
                    .map(|status| status.name.to_owned())
                    .collect()
            }
        };
        let mut parked: Vec<(String, ParkedStream)> = Vec::new();
        for name in names {
            let streams = self.operating.parked(&name, None, None).await?;
            parked.extend(streams.into_iter().map(|stream| (name.clone(), stream)));
        }
        Ok(Done {
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
    ) -> anyhow::Result<Done> {
        let streams = match stream {
            Some(stream) => vec![stream],
            None => {
                let parked = self.operating.parked(&name, None, None).await?;
                parked.into_iter().map(|parked| parked.stream_id).collect()
            }
        };
        let mut tried: Vec<(Uuid, Retried)> = Vec::new();
        for stream in streams {
            tried.push((stream, self.operating.retry(&name, stream, None).await?));
        }
        let parked = self.operating.parked(&name, None, None).await?;
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
        Ok(Done {
            text,
            json: json.collect(),
        })
    }

    async fn rebuild(&self, name: &str, reason: &str, wait: bool) -> anyhow::Result<Done> {
        let generation = match self.operating.rebuild(name, &self.by, reason).await {
            Err(OperateError::Rebuild(RequestError::InTheMaking { generation, .. })) if wait => {
                // Who closed standard error does not want to know.
                let _ = writeln!(
                    io::stderr(),
                    "generation {generation} of {name} is being made already: waiting for that one"
                );
                generation
            }
            asked => asked?,
        };
        let text = if wait {
            watch::until_it_serves(&self.operating, name, generation).await?
        } else {
            format!(
                "generation {generation} of {name} will be made: `clustergenie projections` shows how far it is"
            )
        };
        self.done(name, text).await
    }

    /// That something was done to a consumer, and how it is now.
    async fn done(&self, name: &str, text: String) -> anyhow::Result<Done> {
        let status = self.operating.status(name).await?;
        Ok(Done {
            text: format!("{text}\n"),
            json: json::status(&status),
        })
    }
}
