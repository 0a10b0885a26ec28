//! An organization's commands as they were recorded, accepted or not: for auditors.
//!
//! Reads `es.commands` as the role that row-level security binds. Gives the stored values without interpreting them.

use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use event_store::incarnation::Lineage;
use event_store::log;
use event_store::write::command;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Postgres, QueryBuilder};

use crate::page::{Frame, Key, Order, Page, Slice, Sort};
use crate::reader::{ReadError, Reader};

// Named by code that shows commands, such as the API, which does not import the event store.
pub use event_store::envelope::StreamId;
pub use event_store::write::command::{CommandOutcome, RecordedCommand};

/// The order of commands by the time at which they were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByRecordedAt;

/// A filter of commands; the default lets all of them through.
#[derive(Debug, Clone, Default)]
pub struct CommandFilter {
    /// The names of the commands, such as `rename_droplet`; `None` for any.
    pub names: Option<Vec<String>>,
    /// The outcomes of the commands; `None` for any.
    pub outcomes: Option<Vec<CommandOutcome>>,
    /// The stream that the commands name; `None` for any.
    pub stream: Option<StreamId>,
    /// The actor of the commands; `None` for any.
    pub actor: Option<String>,
    /// The earliest time at which the commands were recorded, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// The end of the times at which the commands were recorded, exclusive.
    pub until: Option<DateTime<Utc>>,
}

impl Reader {
    /// Returns a page of an organization's commands. The page shows every command whose events have positions up to
    /// the one that it tells. It looks at [`crate::page::LOOKED_AT`] commands of the period at most: if few of them pass the filter, it
    /// has fewer items than are wanted, and tells that there is more.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn commands(
        &self,
        org: &OrgId,
        filter: &CommandFilter,
        page: &Page<ByRecordedAt>,
    ) -> Result<Slice<RecordedCommand>, ReadError> {
        let lineage = self.lineage::<RecordedCommand, _>(org, page).await?;
        match self.commands_in(&lineage, org, filter, page).await {
            Err(failed) => {
                let lineage = self.lineage_after(&lineage, failed).await?;
                self.commands_in(&lineage, org, filter, page).await
            }
            read => read,
        }
    }

    async fn commands_in(
        &self,
        lineage: &Lineage,
        org: &OrgId,
        filter: &CommandFilter,
        page: &Page<ByRecordedAt>,
    ) -> Result<Slice<RecordedCommand>, ReadError> {
        let frame = Frame::of(page, lineage, || log::HEAD.to_owned());
        let query = frame.query_among(
            command::COLUMNS,
            |query| push_period(query, org, filter),
            |query| push_filter(query, filter),
        )?;
        let decode = |row: &PgRow| frame.decode_among(row, &[], |_| RecordedCommand::from_row(row));
        let commands = self.fetch(org, query, decode).await?;
        let mut slices = frame.slices(commands);
        Ok(slices.pop().expect("one page was asked for"))
    }
}

impl Order<RecordedCommand> for ByRecordedAt {
    const LIST: &'static str = "commands";

    fn sort(self) -> Sort {
        Sort::Time("recorded_at")
    }

    fn key(self, command: &RecordedCommand) -> Key {
        Key::Time(command.recorded_at, command.command_id)
    }
}

fn push_period(query: &mut QueryBuilder<Postgres>, org: &OrgId, filter: &CommandFilter) {
    command::push_organization(query, org);
    for (operator, time) in [(" >= ", filter.from), (" < ", filter.until)] {
        if let Some(time) = time {
            query.push(" and recorded_at").push(operator);
            query.push_bind(time);
        }
    }
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &CommandFilter) {
    let CommandFilter {
        names,
        outcomes,
        stream,
        actor,
        from: _,
        until: _,
    } = filter;
    if let Some(names) = names {
        query
            .push(" and name = any(")
            .push_bind(names.clone())
            .push(")");
    }
    if let Some(outcomes) = outcomes {
        let names: Vec<_> = outcomes.iter().map(|outcome| outcome.as_str()).collect();
        query.push(" and outcome = any(").push_bind(names).push(")");
    }
    if let Some(stream) = stream {
        query.push(" and stream_id = ").push_bind(stream.uuid);
        let code = stream.stream_type.code();
        query.push(" and stream_type = ").push_bind(code);
    }
    if let Some(actor) = actor {
        query.push(" and actor = ").push_bind(actor.clone());
    }
}
