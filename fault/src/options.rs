//! What a run is told.

use std::path::PathBuf;

use clap::Parser;

/// Runs the platform, breaks it at random, and compares what it promised with what it holds.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// What all chance follows from; the same seed gives the same faults at the same times, for one version
    /// of the rig's plans.
    #[arg(long)]
    pub(crate) seed: u64,
    /// For how long faults are injected, in minutes; may be a fraction.
    #[arg(long, default_value_t = 2.0, value_parser = minutes)]
    pub(crate) minutes: f64,
    /// One process `up` with its private Postgres, without Kafka.
    #[arg(long)]
    pub(crate) embedded: bool,
    /// Nothing but this many kills of a relay, at random moments.
    #[arg(long, value_name = "NUMBER", conflicts_with = "embedded")]
    pub(crate) relay_kills: Option<u32>,
    /// Where everything about the run is kept: a new folder, which Postgres's user can enter.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The program under test.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: PathBuf,
    /// The folder of Postgres's server programs.
    #[arg(long, value_name = "DIR")]
    pub(crate) postgres_bin: PathBuf,
    /// The folder with the jars of Apache Kafka; not needed with --embedded.
    #[arg(long, value_name = "DIR", required_unless_present = "embedded")]
    pub(crate) kafka_libs: Option<PathBuf>,
    /// A broker's settings, with @PORT@, @CONTROLLER_PORT@ and @DATA@ to be filled in.
    #[arg(long, value_name = "FILE", required_unless_present = "embedded")]
    pub(crate) kafka_settings: Option<PathBuf>,
    /// Write the report to this file too, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|minutes| (0.1..=600.0).contains(minutes))
        .ok_or_else(|| "write a number of minutes from 0.1 to 600".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_do_not_contradict_each_other() {
        Options::command().debug_assert();
        for bad in ["0", "-1", "nan", "many"] {
            assert!(minutes(bad).is_err(), "{bad}");
        }
    }
}
