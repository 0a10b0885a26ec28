//! Settings of `projections`.

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Subcommand};
use uuid::Uuid;

use super::SomeDatabase;

/// Settings of `projections`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Projections {
    #[command(flatten)]
    pub(crate) database: SomeDatabase,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// In whose name this is done: it is recorded. By default the system user's.
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) by: Option<String>,
    #[command(subcommand)]
    pub(crate) action: Option<ProjectionsAction>,
}

/// What to do to projections. NAME is `droplets`, `jobs`, `activity`, `counts`, or `platform`: the to-do list
/// of the platform's runner.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ProjectionsAction {
    /// Lists all of them with what they do and how far they are. This is what is done when nothing is named.
    List,
    /// Lists the streams that are parked: one of their events could not be applied, and the later ones wait.
    Parked {
        /// Of this projection only.
        name: Option<String>,
    },
    /// Tries parked streams again.
    Retry(RetryProjection),
    /// Gives a parked stream up: it stays as it is, and nobody is troubled with it any more.
    Skip {
        /// In which projection.
        name: String,
        /// Its id: a UUID, or as the API writes it, such as `Droplet:<uuid>`.
        #[arg(value_parser = stream)]
        stream: Uuid,
        #[command(flatten)]
        why: Why,
    },
    /// Stops a projection in all processes, until it is resumed.
    Pause {
        /// Which one.
        name: String,
        #[command(flatten)]
        why: Why,
    },
    /// Lets a paused projection go on.
    Resume {
        /// Which one.
        name: String,
    },
    /// Has a read model made anew from the log, beside the one that serves, which it then replaces. The
    /// processes that run projections do it.
    Rebuild {
        /// Which one.
        name: String,
        /// Why: it is recorded.
        #[arg(long, default_value = "asked for by hand", value_name = "TEXT")]
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        reason: String,
        /// Wait until it serves, and tell on standard error how far it is. To interrupt that ends only the
        /// waiting. When one is being made already, wait for that one.
        #[arg(long)]
        wait: bool,
    },
    /// Ends a rebuild: what was made so far is dropped, and what serves goes on serving.
    GiveUp {
        /// Of which one.
        name: String,
    },
}

/// Settings of `projections retry`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("which").args(["stream", "all"]).required(true))]
pub(crate) struct RetryProjection {
    /// In which projection.
    pub(crate) name: String,
    /// The stream's id: a UUID, or as the API writes it, such as `Droplet:<uuid>`.
    #[arg(value_parser = stream)]
    pub(crate) stream: Option<Uuid>,
    /// All that are parked there, also those that were skipped.
    #[arg(long)]
    pub(crate) all: bool,
}

/// Why something is done.
#[derive(Args, Clone, Debug)]
pub(crate) struct Why {
    /// Why: it is recorded and shown to whoever looks.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
}

/// Reads the id of a stream, also as logs and events in Kafka write it, such as `droplet/<uuid>`.
fn stream(text: &str) -> Result<Uuid, String> {
    let uuid = ["Droplet:", "Job:", "droplet/", "job/"]
        .iter()
        .find_map(|kind| text.strip_prefix(kind))
        .unwrap_or(text);
    Uuid::try_parse(uuid).map_err(|_| {
        "write the id of a droplet or a job, such as \
         Droplet:0192f0c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f or only the UUID"
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
        for bad in ["", "web-1", "Cluster:0192f0c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f"] {
            assert!(stream(bad).is_err(), "{bad}");
        }
    }
}
