//! Settings of the processes of a distributed installation.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use event_store::cloudevent::Topics;

use super::{Clients, Provider};
use crate::duration;

/// The database that all processes of an installation share.
#[derive(Args, Clone, Debug)]
pub(crate) struct Database {
    /// How to connect to Postgres, as the owner of the tables. The password may be given in PGPASSWORD
    /// instead.
    #[arg(
        long,
        env = "CLUSTERGENIE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: String,
}

/// The Kafka that all processes of an installation share.
#[derive(Args, Clone, Debug)]
pub(crate) struct Kafka {
    /// Kafka's brokers.
    #[arg(
        long = "kafka",
        env = "CLUSTERGENIE_KAFKA",
        value_name = "HOST:PORT,..."
    )]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) brokers: String,
    #[command(flatten)]
    pub(crate) topics: KafkaTopics,
}

/// What is ours in Kafka.
#[derive(Args, Clone, Debug)]
pub(crate) struct KafkaTopics {
    /// What the names of all topics begin with. Two installations that share a Kafka need two of them.
    #[arg(long = "kafka-prefix", env = "CLUSTERGENIE_KAFKA_PREFIX", default_value = Topics::PREFIX)]
    #[arg(value_name = "TEXT", value_parser = prefix)]
    pub(crate) prefix: String,
}

/// A copy of the log.
#[derive(Args, Clone, Debug)]
pub(crate) struct Archive {
    /// Copy the log, event for event, into this EventStoreDB or KurrentDB server. Needs a program that was
    /// built with `--features archive`, as the container image is.
    #[arg(
        long,
        env = "CLUSTERGENIE_ARCHIVE",
        hide_env_values = true,
        value_name = "URL"
    )]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) archive: Option<String>,
}

/// Where a process without an API tells how it is.
#[derive(Args, Clone, Debug)]
pub(crate) struct Observed {
    /// Where to serve /livez, /readyz and /metrics.
    #[arg(
        long,
        env = "CLUSTERGENIE_METRICS_LISTEN",
        default_value = "127.0.0.1:8086"
    )]
    #[arg(value_name = "ADDRESS")]
    pub(crate) metrics_listen: SocketAddr,
}

/// Settings of `migrate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) database: Database,
    /// How long to wait for the database to answer.
    #[arg(long, env = "CLUSTERGENIE_MIGRATE_PATIENCE", default_value = "60s")]
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    pub(crate) patience: Duration,
}

/// Settings of `api`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Api {
    #[command(flatten)]
    pub(crate) database: Database,
    /// Where to serve.
    #[arg(long, env = "CLUSTERGENIE_LISTEN", default_value = "127.0.0.1:8085")]
    #[arg(value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// The key that signs and checks tokens: a file with at least 32 random bytes.
    #[arg(long, env = "CLUSTERGENIE_JWT_KEY_FILE", value_name = "FILE")]
    pub(crate) jwt_key_file: PathBuf,
    #[command(flatten)]
    pub(crate) clients: Clients,
}

/// Settings of `relay`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Relay {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) kafka: Kafka,
    #[command(flatten)]
    pub(crate) archive: Archive,
    #[command(flatten)]
    pub(crate) observed: Observed,
}

/// Settings of `project`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Project {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) kafka: Kafka,
    #[command(flatten)]
    pub(crate) observed: Observed,
}

/// Settings of `work`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Work {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) kafka: Kafka,
    #[command(flatten)]
    pub(crate) observed: Observed,
    #[command(flatten)]
    pub(crate) provider: Provider,
}

// By Kafka's rule for topics, with room for what follows.
fn prefix(text: &str) -> Result<String, String> {
    let usable = (1..=200).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    usable
        .then(|| text.to_owned())
        .ok_or_else(|| "use 1 to 200 letters, digits, dots, underscores and hyphens".to_owned())
}
