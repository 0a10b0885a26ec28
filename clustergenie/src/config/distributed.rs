//! Settings of the processes of a distributed installation.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use event_store::cloudevent::Topics;

use super::{Clients, Provider, listen};
use crate::duration;

/// The database of an installation.
#[derive(Args, Clone, Debug)]
pub(crate) struct Database {
    /// The URL of Postgres. Its login owns the tables for migrate; for all others it owns nothing, and is a member of the
    /// roles clustergenie_service and clustergenie_reader. The password may be in PGPASSWORD instead.
    #[arg(
        long,
        env = "CLUSTERGENIE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: String,
    /// Most connections of this process to the database. By default they are 31 for api, 14 for relay, 19 for
    /// project and 30 for work, or what is left by other processes.
    #[arg(long, env = "CLUSTERGENIE_DATABASE_CONNECTIONS", value_name = "NUMBER")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) database_connections: Option<u32>,
}

/// The Kafka of an installation.
#[derive(Args, Clone, Debug)]
pub(crate) struct Kafka {
    /// The brokers of Kafka.
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

/// The topics of an installation.
#[derive(Args, Clone, Debug)]
pub(crate) struct KafkaTopics {
    /// Prefix of all topic names. Installations that share a Kafka need different ones.
    #[arg(long = "kafka-prefix", env = "CLUSTERGENIE_KAFKA_PREFIX", default_value = Topics::PREFIX)]
    #[arg(value_name = "TEXT", value_parser = prefix)]
    pub(crate) prefix: String,
}

/// The word of an operator about topics that the relay cannot judge.
#[derive(Args, Clone, Debug)]
pub(crate) struct Republish {
    /// Publish from this position on, if the topics lost everything, or if this database replaces the one that was
    /// published. Without it, the relay then refuses to publish. 1 publishes everything.
    #[arg(long, env = "CLUSTERGENIE_REPUBLISH_FROM", value_name = "POSITION")]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) republish_from: Option<i64>,
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

/// Settings of `migrate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) database: Database,
    /// Longest time to wait for the database to answer.
    #[arg(long, env = "CLUSTERGENIE_MIGRATE_PATIENCE", default_value = "60s")]
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    pub(crate) patience: Duration,
}

/// Settings of `api`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Api {
    #[command(flatten)]
    pub(crate) database: Database,
    /// The address to serve on.
    #[arg(long, env = "CLUSTERGENIE_LISTEN", default_value = "127.0.0.1:8085")]
    #[arg(value_name = "HOST:PORT", value_parser = listen::address)]
    pub(crate) listen: SocketAddr,
    /// The address to serve /livez, /readyz and /metrics on, apart from clients.
    #[arg(
        long,
        env = "CLUSTERGENIE_METRICS_LISTEN",
        default_value = "127.0.0.1:8089"
    )]
    #[arg(value_name = "HOST:PORT", value_parser = listen::address)]
    pub(crate) metrics_listen: SocketAddr,
    /// A file with the key that signs and checks tokens: at least 32 random bytes.
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
    pub(crate) republish: Republish,
    #[command(flatten)]
    pub(crate) archive: Archive,
    /// The address to serve /livez, /readyz and /metrics on.
    #[arg(
        long,
        env = "CLUSTERGENIE_METRICS_LISTEN",
        default_value = "127.0.0.1:8086"
    )]
    #[arg(value_name = "HOST:PORT", value_parser = listen::address)]
    pub(crate) metrics_listen: SocketAddr,
}

/// Settings of `project`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Project {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) kafka: Kafka,
    /// The address to serve /livez, /readyz and /metrics on.
    #[arg(
        long,
        env = "CLUSTERGENIE_METRICS_LISTEN",
        default_value = "127.0.0.1:8087"
    )]
    #[arg(value_name = "HOST:PORT", value_parser = listen::address)]
    pub(crate) metrics_listen: SocketAddr,
}

/// Settings of `work`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Work {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) kafka: Kafka,
    /// The address to serve /livez, /readyz and /metrics on.
    #[arg(
        long,
        env = "CLUSTERGENIE_METRICS_LISTEN",
        default_value = "127.0.0.1:8088"
    )]
    #[arg(value_name = "HOST:PORT", value_parser = listen::address)]
    pub(crate) metrics_listen: SocketAddr,
    #[command(flatten)]
    pub(crate) provider: Provider,
}

// Kafka's rule for topic names, with room for the rest of the name.
fn prefix(text: &str) -> Result<String, String> {
    let usable = (1..=200).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    usable
        .then(|| text.to_owned())
        .ok_or_else(|| "use 1 to 200 letters, digits, dots, underscores and hyphens".to_owned())
}
