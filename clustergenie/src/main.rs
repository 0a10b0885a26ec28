//! ClusterGenie's one binary: parses the command line, starts logging, runs a subcommand, reports its error.

mod archive;
mod backup;
mod config;
mod data_directory;
mod duration;
mod file_descriptors;
mod health;
mod key;
mod output;
mod postgres;
mod processes;
mod projections;
mod readiness;
mod restore;
mod restored;
mod secret_file;
mod tasks;
mod telemetry;
mod token;
mod verify;
mod wiring;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches};

use crate::config::{Cli, Command};

/// The allocator, because a query allocates a few times for each cell of its answer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit status of unusable settings, and of a check that could not run.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let cli = match settings() {
        Ok(cli) => cli,
        Err(error) => return failed(&error, UNUSABLE.into()),
    };
    let failure = match cli.command {
        Command::Verify(_) => UNUSABLE.into(),
        _ => ExitCode::FAILURE,
    };
    start(cli).unwrap_or_else(|error| failed(&error, failure))
}

fn failed(error: &anyhow::Error, exit: ExitCode) -> ExitCode {
    // If standard error is closed, nobody can be told.
    let _ = writeln!(std::io::stderr(), "clustergenie: {error:#}");
    exit
}

fn settings() -> anyhow::Result<Cli> {
    // Before any thread is started, because it changes the environment.
    config::read_dotenv()?;
    let command = config::without_unset(Cli::command());
    let known = config::refuse_unknown(&Cli::command(), std::env::vars_os());
    match command
        .try_get_matches()
        .and_then(|found| Cli::from_arg_matches(&found))
    {
        Ok(cli) => known.map(|()| cli),
        // A misspelt variable is often why a setting is missing.
        Err(error) if error.use_stderr() => known.and_then(|()| error.exit()),
        Err(help_or_version) => help_or_version.exit(),
    }
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    telemetry::start_logging(&cli.logging)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start")?
        .block_on(run(cli.command))
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify(settings) => return verify::run(settings).await,
        Command::Up(settings) => processes::up::run(settings).await,
        Command::Token(settings) => token::run(settings),
        Command::Health(settings) => health::run(settings).await,
        Command::Projections(settings) => projections::run(settings).await,
        Command::Backup(settings) => backup::run(settings).await,
        Command::Restore(settings) => restore::run(settings).await,
        Command::Restored(settings) => restored::run(settings).await,
        Command::Migrate(settings) => processes::migrate::run(settings).await,
        Command::Api(settings) => processes::api::run(settings).await,
        Command::Relay(settings) => processes::relay::run(settings).await,
        Command::Project(settings) => processes::project::run(settings).await,
        Command::Work(settings) => processes::work::run(settings).await,
    }?;
    Ok(ExitCode::SUCCESS)
}
