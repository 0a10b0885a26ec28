//! Settings of `query`: flags.

use clap::{Parser, ValueEnum};

use crate::settings as suite;

/// Settings of `query`.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Settings {
    /// The settings of all benchmarks.
    #[command(flatten)]
    pub(super) suite: suite::Settings,
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
