//! Every setting of every process: a flag and, where a process of its own runs, an environment
//! variable. A setting that is not known or not valid stops the start with a sentence.

mod clients;
mod database;
mod distributed;
mod environment;
mod projections;
mod requests;
mod verify;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use api::identity::roles::Role;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::ids::OrgId;

use crate::duration;

pub(crate) use self::clients::Clients;
pub(crate) use self::database::SomeDatabase;
pub(crate) use self::distributed::{
    Api, Archive, Database, Kafka, KafkaTopics, Migrate, Observed, Project, Relay, Work,
};
pub(crate) use self::environment::{read_dotenv, refuse_unknown};
pub(crate) use self::projections::{Projections, ProjectionsAction, RetryProjection};
pub(crate) use self::verify::Verify;

/// Where `up` keeps everything when it is not told.
const DATA: &str = "clustergenie-data";
/// Where a local platform serves.
const LOCAL: &str = "http://127.0.0.1:8085";

/// ClusterGenie: droplets and jobs with one history that frontends, auditors and analysts share.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) logging: Logging,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to run.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs everything in one process, with a private Postgres of its own.
    Up(Up),
    /// Prints a token signed with the key of a data directory.
    Token(Token),
    /// Exits with 0 when a process says that it is ready, else with 1 and the reason.
    Health(Health),
    /// Checks that store, log, Kafka and read models hold the same events, while the platform goes on.
    /// Exits with 0 when they do, with 1 when there are differences, with 2 when something could not be
    /// checked.
    Verify(Verify),
    /// Shows what follows events and how far it is, and pauses it, makes it anew, or deals with events
    /// that it could not apply. NAME is `droplets`, `jobs`, `activity` or `counts`, the read models, or
    /// `platform`, the to-do list of the platform's runner.
    Projections(Projections),
    /// Brings a database to the version of this program, then ends.
    Migrate(Migrate),
    /// Serves the API. One of the processes of a distributed installation.
    Api(Api),
    /// Sequences events and publishes them to Kafka. One of the processes of a distributed
    /// installation.
    Relay(Relay),
    /// Builds read models from Kafka. One of the processes of a distributed installation.
    Project(Project),
    /// Runs the jobs of the platform. One of the processes of a distributed installation.
    Work(Work),
}

/// What is written to standard error.
#[derive(Args, Clone, Debug)]
pub(crate) struct Logging {
    /// What to log: a level, or parts of the program and their levels.
    #[arg(
        long,
        global = true,
        env = "CLUSTERGENIE_LOG",
        default_value = "info,sqlx=warn"
    )]
    #[arg(value_name = "FILTER", help_heading = "Logging")]
    pub(crate) log: String,
    /// How log lines are written.
    #[arg(
        long,
        global = true,
        env = "CLUSTERGENIE_LOG_FORMAT",
        default_value = "text"
    )]
    #[arg(help_heading = "Logging")]
    pub(crate) log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

/// Settings of `up`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Up {
    /// Where everything is kept; made if it does not exist.
    #[arg(long, env = "CLUSTERGENIE_DATA", default_value = DATA, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where to serve; port 0 takes a free one.
    #[arg(long, env = "CLUSTERGENIE_LISTEN", default_value = "127.0.0.1:8085")]
    #[arg(value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Send events through Kafka, by these brokers, instead of reading the log directly.
    #[arg(long, env = "CLUSTERGENIE_KAFKA", value_name = "HOST:PORT,...")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) kafka: Option<String>,
    #[command(flatten)]
    pub(crate) topics: KafkaTopics,
    #[command(flatten)]
    pub(crate) archive: Archive,
    #[command(flatten)]
    pub(crate) clients: Clients,
    /// Write {"url", "token", "databaseUrl"} to this file once everything serves.
    #[arg(long, env = "CLUSTERGENIE_READY_FILE", value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    /// The folder of Postgres's server programs, when they are not where they usually are.
    #[arg(long, env = "CLUSTERGENIE_POSTGRES_BIN", value_name = "DIR")]
    pub(crate) postgres_bin: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) provider: Provider,
}

/// Settings of the simulated provider that makes the platform's droplets.
#[derive(Args, Clone, Debug)]
pub(crate) struct Provider {
    /// How long each step of the simulated provider takes.
    #[arg(long, env = "CLUSTERGENIE_STEP_DELAY", default_value = "500ms")]
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    pub(crate) step_delay: Duration,
    /// The share of droplets, from 0 to 1, that the simulated provider fails to make.
    #[arg(long, env = "CLUSTERGENIE_FAILURE_RATE", default_value = "0")]
    #[arg(value_name = "SHARE", value_parser = share)]
    pub(crate) failure_rate: f64,
    /// How many jobs run at once.
    #[arg(
        long,
        env = "CLUSTERGENIE_WORKERS",
        default_value = "4",
        value_name = "NUMBER"
    )]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: u16,
}

/// Settings of `token`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Token {
    /// The data directory whose key signs.
    #[arg(long, env = "CLUSTERGENIE_DATA", default_value = DATA, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Sign with this key instead.
    #[arg(long, env = "CLUSTERGENIE_JWT_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// The organization that the token is for.
    #[arg(long)]
    pub(crate) org: OrgId,
    /// What the token's bearer may do: admin, operator, viewer, auditor, analyst or agent. May be
    /// given several times.
    #[arg(long = "role", required = true, value_name = "ROLE", value_parser = role)]
    pub(crate) roles: Vec<Role>,
    /// Whom the token speaks for: the actor of events.
    #[arg(long, default_value = "developer", value_name = "NAME", value_parser = subject)]
    pub(crate) subject: String,
    /// How long the token is good for.
    #[arg(long, default_value = "30d", value_name = "TIME", value_parser = duration::parse)]
    pub(crate) expires: Duration,
}

/// Settings of `health`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Health {
    /// The process's address.
    #[arg(long, env = "CLUSTERGENIE_URL", default_value = LOCAL)]
    pub(crate) url: String,
}

fn role(text: &str) -> Result<Role, String> {
    Role::named(text).ok_or_else(|| {
        let names: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        format!("the roles are {}", names.join(", "))
    })
}

fn subject(text: &str) -> Result<String, String> {
    let usable = (1..=api::identity::tokens::MAX_SUBJECT_CHARS).contains(&text.chars().count())
        && !text.chars().any(char::is_control);
    usable.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "use 1 to {} printable characters",
            api::identity::tokens::MAX_SUBJECT_CHARS
        )
    })
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "write a number from 0 to 1, such as 0.05".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_settings_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for bad in [
            ["up", "--failure-rate", "1.5"],
            ["up", "--workers", "0"],
            ["up", "--step-delay", "5"],
            ["up", "--listen", "8085"],
            ["up", "--unknown", "1"],
            ["verify", "--sample", "2"],
        ] {
            assert!(
                Cli::try_parse_from(["clustergenie"].iter().chain(&bad)).is_err(),
                "{bad:?}"
            );
        }
        assert!(Cli::try_parse_from(["clustergenie", "up", "--workers", "1"]).is_ok());
    }
}
