//! Settings of `unpublished`.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::TargetDatabase;
use super::projections::{Reason, stream};

/// Settings of `unpublished`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Unpublished {
    #[command(flatten)]
    pub(crate) database: TargetDatabase,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// In whose name this is done: it is recorded. By default the system user's.
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) by: Option<String>,
    #[command(subcommand)]
    pub(crate) action: Option<UnpublishedAction>,
}

/// What to do about events that Kafka refused.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum UnpublishedAction {
    /// Lists the streams that are held back: Kafka refused one of their events for good, and the later ones
    /// wait. This is what is done when nothing is named.
    List,
    /// Lists the events that were skipped: by whom, when and why.
    Skipped,
    /// Has the refused event of a stream tried again, for example after the topic was configured to take
    /// it. The events that wait behind it follow.
    Retry {
        /// The stream's id: a UUID, or as the API writes it, such as `Droplet:<uuid>`.
        #[arg(value_parser = stream)]
        stream: Uuid,
    },
    /// Never publishes the refused event of a stream: it stays in the log and in all read models, and only
    /// readers of Kafka never see it. The events that wait behind it follow. This cannot be undone.
    Skip {
        /// The stream's id: a UUID, or as the API writes it, such as `Droplet:<uuid>`.
        #[arg(value_parser = stream)]
        stream: Uuid,
        #[command(flatten)]
        why: Reason,
    },
}
