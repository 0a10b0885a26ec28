//! Settings of `projections`.

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Subcommand};
use commands::process::registry;
use domain::registry::AGGREGATES;
use uuid::Uuid;

use super::TargetDatabase;

/// Settings of `projections`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Projections {
    #[command(flatten)]
    pub(crate) database: TargetDatabase,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The name of the operator, for the record. By default the system user.
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) by: Option<String>,
    #[command(subcommand)]
    pub(crate) action: Option<ProjectionsAction>,
}

/// The names of all projections, for the help.
pub(super) fn names() -> String {
    let read_models = ::projections::all();
    let read_models: Vec<_> = read_models.iter().map(|model| model.name()).collect();
    let todo_lists = registry::todo_lists();
    let todo_lists: Vec<_> = todo_lists.iter().map(|list| list.name()).collect();
    format!(
        "NAME is a read model ({}), or the to-do list of a process manager ({}).",
        read_models.join(", "),
        todo_lists.join(", ")
    )
}

/// Actions on projections.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ProjectionsAction {
    /// Lists all projections with state, position and lag. This is the default.
    List,
    /// Lists parked streams: streams with an event that could not be applied.
    #[command(after_help = names())]
    Parked {
        /// The projection whose parked streams to list. By default all.
        name: Option<String>,
    },
    /// Retries parked streams.
    #[command(
        after_help = names(),
        override_usage = "clustergenie projections retry [OPTIONS] <NAME> <STREAM|--all>"
    )]
    Retry(RetryProjection),
    /// Skips a parked stream: its rows stay as they are, and it no longer counts as parked.
    #[command(after_help = names())]
    Skip {
        /// The projection.
        name: String,
        /// The stream's id: a UUID, or the id of the API, such as `Droplet:<uuid>`.
        #[arg(value_parser = stream)]
        stream: Uuid,
        #[command(flatten)]
        why: Reason,
    },
    /// Pauses a projection in all processes until it is resumed.
    #[command(after_help = names())]
    Pause {
        /// The projection.
        name: String,
        #[command(flatten)]
        why: Reason,
    },
    /// Resumes a paused projection.
    #[command(after_help = names())]
    Resume {
        /// The projection.
        name: String,
    },
    /// Rebuilds a read model from the log, beside the generation that serves. The new generation takes over
    /// when it is complete. The processes that run projections do the work.
    #[command(after_help = names())]
    Rebuild {
        /// The read model.
        name: String,
        /// The reason, for the record.
        #[arg(long, default_value = "requested by an operator", value_name = "TEXT")]
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        reason: String,
        /// Wait until the rebuild is live, reporting progress on stderr. Interrupting stops the wait, not the
        /// rebuild. If a rebuild is running already, wait for that one.
        #[arg(long)]
        wait: bool,
    },
    /// Cancels a rebuild and drops its tables. The serving generation is not affected.
    #[command(after_help = names())]
    GiveUp {
        /// The read model.
        name: String,
    },
}

/// Settings of `projections retry`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("which").args(["stream", "all"]).required(true))]
pub(crate) struct RetryProjection {
    /// The projection.
    pub(crate) name: String,
    /// The stream's id: a UUID, or the id of the API, such as `Droplet:<uuid>`.
    #[arg(value_parser = stream)]
    pub(crate) stream: Option<Uuid>,
    /// Retry all parked streams, skipped ones included.
    #[arg(long)]
    pub(crate) all: bool,
}

/// The reason of an operator's action.
#[derive(Args, Clone, Debug)]
pub(crate) struct Reason {
    /// The reason, recorded and shown beside the state.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
}

/// Reads the id of a stream: a UUID, as the API writes it (`Droplet:<uuid>`), or as logs and Kafka do
/// (`droplet/<uuid>`).
fn stream(text: &str) -> Result<Uuid, String> {
    let is_kind = |kind: &str| {
        let mut aggregates = AGGREGATES.iter();
        aggregates.any(|aggregate| [aggregate.name, aggregate.type_name].contains(&kind))
    };
    let uuid = match text.split_once([':', '/']) {
        Some((kind, uuid)) if is_kind(kind) => uuid,
        _ => text,
    };
    Uuid::try_parse(uuid).map_err(|_| {
        "write an id such as Droplet:0192f0c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f, or only its UUID"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_by_its_uuid_or_as_the_api_names_it() {
        let uuid = "0192f0c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f";
        let expected = Uuid::parse_str(uuid).ok();
        for kind in ["", "Droplet:", "Job:", "droplet/", "job/"] {
            let text = format!("{kind}{uuid}");
            assert_eq!(stream(&text).ok(), expected, "{text}");
        }
        for bad in ["", "web-1", "Unknown:0192f0c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f"] {
            assert!(stream(bad).is_err(), "{bad}");
        }
    }
}
