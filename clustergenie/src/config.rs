//! The settings of every subcommand: flags and, for processes, environment variables.
//!
//! An unknown or invalid setting stops the start with a sentence that says what to correct.

mod clients;
mod database;
mod distributed;
mod environment;
mod listen;
mod projections;
mod recovery;
mod requests;
mod url;
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
pub(crate) use self::database::TargetDatabase;
pub(crate) use self::distributed::{
    Api, Archive, Database, Kafka, KafkaTopics, Migrate, Project, Relay, Republish, Work,
};
pub(crate) use self::environment::{read_dotenv, refuse_unknown, without_unset};
pub(crate) use self::projections::{Projections, ProjectionsAction, RetryProjection};
pub(crate) use self::recovery::{Backup, Restore, Restored};
pub(crate) use self::verify::Verify;

/// The default data directory of `up`.
const DATA: &str = "clustergenie-data";
/// The default address of a platform on this machine.
const LOCAL: &str = "http://127.0.0.1:8085";

/// ClusterGenie, an event-sourced control plane for droplets (virtual machines) and jobs.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) logging: Logging,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs all of ClusterGenie in one process, with a private Postgres.
    Up(Up),
    /// Prints a signed token for a person or a program.
    Token(Token),
    /// Checks whether a process is ready. Exits with 0 if it is, else with 1 and the reasons.
    Health(Health),
    /// Checks that event store, log, Kafka and read models hold the same events. The platform keeps running.
    /// Exits with 0 if they do, with 1 if they differ, with 2 if something could not be checked.
    Verify(Verify),
    /// Shows, pauses and rebuilds projections, and handles events they could not apply.
    #[command(after_help = projections::names())]
    Projections(Projections),
    /// Backs up the data directory of a running `up`.
    Backup(Backup),
    /// Creates a data directory from a backup: with all that was archived, or as of a time.
    Restore(Restore),
    /// Declares that a database was restored in a way that it cannot notice by itself, such as from a snapshot of its
    /// disk. All processes must be stopped.
    Restored(Restored),
    /// Migrates a database to the version of this program, then ends.
    Migrate(Migrate),
    /// Serves the GraphQL API. One process of a distributed installation.
    Api(Api),
    /// Gives events their positions and publishes them to Kafka. One process of a distributed installation.
    Relay(Relay),
    /// Builds read models from Kafka. One process of a distributed installation.
    Project(Project),
    /// Runs the platform's own jobs. One process of a distributed installation.
    Work(Work),
}

/// The settings of log lines, which are written to standard error.
#[derive(Args, Clone, Debug)]
pub(crate) struct Logging {
    /// Filter of log lines: a level such as `info`, or modules and their levels such as
    /// `info,event_store=debug`.
    #[arg(
        long,
        global = true,
        env = "CLUSTERGENIE_LOG",
        default_value = "info,sqlx=warn"
    )]
    #[arg(value_name = "FILTER", help_heading = "Logging")]
    pub(crate) log: String,
    /// The format of log lines.
    #[arg(
        long,
        global = true,
        env = "CLUSTERGENIE_LOG_FORMAT",
        default_value = "text"
    )]
    #[arg(help_heading = "Logging")]
    pub(crate) log_format: LogFormat,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// Text for people.
    Text,
    /// A JSON object a line, for programs.
    Json,
}

/// Settings of `up`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Up {
    /// The data directory, created if it does not exist.
    #[arg(long, env = "CLUSTERGENIE_DATA", default_value = DATA, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The address to serve on. Port 0 takes a free one.
    #[arg(long, env = "CLUSTERGENIE_LISTEN", default_value = "127.0.0.1:8085")]
    #[arg(value_name = "HOST:PORT", value_parser = listen::address)]
    pub(crate) listen: SocketAddr,
    /// Serve /livez, /readyz and /metrics on this address too, apart from clients.
    #[arg(long, env = "CLUSTERGENIE_METRICS_LISTEN")]
    #[arg(value_name = "HOST:PORT", value_parser = listen::address)]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Send events through Kafka, at these brokers. By default read models follow the log directly.
    #[arg(long, env = "CLUSTERGENIE_KAFKA", value_name = "HOST:PORT,...")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) kafka: Option<String>,
    #[command(flatten)]
    pub(crate) topics: KafkaTopics,
    #[command(flatten)]
    pub(crate) republish: Republish,
    #[command(flatten)]
    pub(crate) archive: Archive,
    #[command(flatten)]
    pub(crate) clients: Clients,
    /// Archive Postgres's write-ahead log into this directory, so that `clustergenie restore` can restore any moment
    /// since. The first start also makes a base backup there, as does the first one after a restore.
    #[arg(long, env = "CLUSTERGENIE_BACKUP", value_name = "DIR")]
    pub(crate) backup: Option<PathBuf>,
    /// Write {"url", "token", "databaseUrl"} to this file once every part is ready.
    #[arg(long, env = "CLUSTERGENIE_READY_FILE", value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    /// The directory of Postgres's server programs. By default the usual places are searched.
    #[arg(long, env = "CLUSTERGENIE_POSTGRES_BIN", value_name = "DIR")]
    pub(crate) postgres_bin: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) provider: Provider,
}

/// Settings of the simulated provider, which provisions the platform's droplets.
#[derive(Args, Clone, Debug)]
pub(crate) struct Provider {
    /// Duration of each step of the simulated provider.
    #[arg(long, env = "CLUSTERGENIE_STEP_DELAY", default_value = "500ms")]
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    pub(crate) step_delay: Duration,
    /// The share of droplets, from 0 to 1, that the simulated provider fails to provision.
    #[arg(long, env = "CLUSTERGENIE_FAILURE_RATE", default_value = "0")]
    #[arg(value_name = "SHARE", value_parser = share)]
    pub(crate) failure_rate: f64,
    /// Number of jobs that run at the same time.
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
    /// The data directory of the platform, whose key signs the token.
    #[arg(long, env = "CLUSTERGENIE_DATA", default_value = DATA, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// A file with the signing key, instead of the key in --data.
    #[arg(long, env = "CLUSTERGENIE_JWT_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// The organization of the token.
    #[arg(long)]
    pub(crate) org: OrgId,
    /// A role of the token: admin, operator, viewer, auditor, analyst or agent. Repeat it for several.
    #[arg(long = "role", required = true, value_name = "ROLE", value_parser = role)]
    pub(crate) roles: Vec<Role>,
    /// The person or program that the token identifies: the actor of its events.
    #[arg(long, default_value = "developer", value_name = "NAME", value_parser = subject)]
    pub(crate) subject: String,
    /// Lifetime of the token, at least 1s.
    #[arg(long, default_value = "30d", value_name = "TIME", value_parser = lifetime)]
    pub(crate) expires: Duration,
}

/// Settings of `health`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Health {
    /// The address of the process, such as http://127.0.0.1:8085. The scheme may be left out.
    #[arg(long, env = "CLUSTERGENIE_URL", default_value = LOCAL, value_parser = url::base)]
    pub(crate) url: ::url::Url,
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

fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = duration::parse(text)?;
    if lifetime < Duration::from_secs(1) {
        return Err("a token must be valid for at least 1s".to_owned());
    }
    Ok(lifetime)
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
    fn processes_of_one_machine_have_different_default_ports() {
        let database = "--database-url=postgres://db/x";
        let port = |process| {
            let own = match process {
                "api" => "--jwt-key-file=key",
                _ => "--kafka=kafka:9092",
            };
            let arguments = ["clustergenie", process, database, own];
            match Cli::try_parse_from(arguments).unwrap().command {
                Command::Api(api) => api.metrics_listen.port(),
                Command::Relay(relay) => relay.metrics_listen.port(),
                Command::Project(project) => project.metrics_listen.port(),
                Command::Work(work) => work.metrics_listen.port(),
                other => panic!("{other:?} has no such setting"),
            }
        };
        assert_eq!(
            ["relay", "project", "work", "api"].map(port),
            [8086, 8087, 8088, 8089]
        );
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for bad in [
            ["up", "--failure-rate", "1.5"],
            ["up", "--workers", "0"],
            ["up", "--step-delay", "5"],
            ["up", "--listen", "8085"],
            ["token", "--expires", "0s"],
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
