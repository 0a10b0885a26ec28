//! Settings of `query`: flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Settings of `query`.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Settings {
    /// The program to measure, `clustergenie`.
    #[arg(long)]
    pub(super) program: PathBuf,
    /// The URL of an empty database with its superuser. Its server logs in JSON, as that of `./dev bench` does.
    #[arg(long, env = "CLUSTERGENIE_BENCH_DATABASE_URL", hide_env_values = true)]
    pub(super) database_url: String,
    /// The directory of Postgres's programs, for `pgbench`.
    #[arg(long, value_name = "DIR")]
    pub(super) postgres_bin: PathBuf,
    /// The directory where PostGraphile is installed. Without it, no peer is measured.
    #[arg(long, value_name = "DIR")]
    pub(super) peers: Option<PathBuf>,
    /// The Node.js that runs PostGraphile.
    #[arg(long, default_value = "node")]
    pub(super) node: PathBuf,
    /// A new or empty directory for keys, logs and scripts.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// The file for the report in JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) json: PathBuf,
    /// Seconds of each run.
    #[arg(long, default_value = "10")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) seconds: u16,
    /// Number of runs of each side, which take turns.
    #[arg(long, default_value = "3")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) rounds: u16,
    /// Numbers of connections, separated by commas.
    #[arg(long, default_value = "16", value_delimiter = ',')]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(super) connections: Vec<u16>,
    /// The works, separated by commas. All by default.
    #[arg(long, value_delimiter = ',', value_enum)]
    pub(super) works: Vec<Work>,
}

/// A query that is sent again and again, with random arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// 50 droplets after a random one.
    List,
    /// The same with up to 3 jobs of each droplet.
    ListJobs,
    /// The same as `list`, with the number of all droplets.
    ListTotal,
    /// A random droplet.
    ById,
}

impl Settings {
    /// The chosen works, in their own order.
    pub(super) fn works(&self) -> impl Iterator<Item = Work> {
        let all = Work::ALL.into_iter();
        all.filter(|work| self.works.is_empty() || self.works.contains(work))
    }

    /// The length of each run.
    pub(super) fn length(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

impl Work {
    /// All works.
    pub(super) const ALL: [Self; 4] = [Self::List, Self::ListJobs, Self::ListTotal, Self::ById];

    /// Returns the name in flags and reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::ListJobs => "list-jobs",
            Self::ListTotal => "list-total",
            Self::ById => "by-id",
        }
    }
}
