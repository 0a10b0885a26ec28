//! Settings that all benchmarks of `./dev bench` share: flags, which that script passes.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;

/// The servers and programs of a benchmark, its duration, and the places for its files.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// The program to measure, `clustergenie`.
    #[arg(long)]
    pub(crate) program: PathBuf,
    /// The URL of an empty database with its superuser, on a server with fsync on.
    #[arg(long, env = "CLUSTERGENIE_BENCH_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: String,
    /// The directory of Postgres's programs, for `pgbench`.
    #[arg(long, value_name = "DIR")]
    pub(crate) postgres_bin: PathBuf,
    /// The address of a Kafka without topics, for the benchmarks that publish.
    #[arg(long, value_name = "BROKERS")]
    pub(crate) kafka: Option<String>,
    /// The directory of Kafka's jars, for its own tools.
    #[arg(long, value_name = "DIR")]
    pub(crate) kafka_libs: Option<PathBuf>,
    /// The directory where peers are installed. Without it, no peer is measured.
    #[arg(long, value_name = "DIR")]
    pub(crate) peers: Option<PathBuf>,
    /// The Node.js that runs peers.
    #[arg(long, default_value = "node")]
    pub(crate) node: PathBuf,
    /// A new or empty directory for keys, logs and scripts.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The file for the report in JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: PathBuf,
    /// Seconds of each run.
    #[arg(long, default_value = "10")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) seconds: u16,
    /// Number of runs of each side, which take turns.
    #[arg(long, default_value = "3")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,
    /// The long form, which takes hours, of the benchmarks that have one.
    #[arg(long)]
    pub(crate) full: bool,
}

impl Settings {
    /// Creates the directory of the run.
    ///
    /// # Errors
    /// When it has files.
    pub(crate) fn create_dir(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let is_empty = fs::read_dir(&self.dir)?.next().is_none();
        ensure!(is_empty, "{} is not empty", self.dir.display());
        Ok(())
    }

    /// The duration of each run.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}
