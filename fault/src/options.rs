//! The command line of the rig.

use std::path::PathBuf;

use clap::Parser;

/// Runs the platform, injects random faults, and compares its answers with its records.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// The seed of all random choices. For one version of the rig's plans, the same seed gives the same faults
    /// at the same times.
    #[arg(long)]
    pub(crate) seed: u64,
    /// Duration of the faults in minutes; may be a fraction.
    #[arg(long, default_value_t = 2.0, value_parser = minutes)]
    pub(crate) minutes: f64,
    /// Run one process, `up`, with its private Postgres and without Kafka.
    #[arg(long)]
    pub(crate) embedded: bool,
    /// Inject nothing but this many kills of a relay, at random moments.
    #[arg(long, value_name = "NUMBER", conflicts_with = "embedded")]
    pub(crate) relay_kills: Option<u32>,
    /// A new directory for all files of the run, which Postgres's user can enter.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The program under test.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: PathBuf,
    /// The directory of Postgres's server programs.
    #[arg(long, value_name = "DIR")]
    pub(crate) postgres_bin: PathBuf,
    /// The directory with the jars of Apache Kafka; not needed with --embedded.
    #[arg(long, value_name = "DIR", required_unless_present = "embedded")]
    pub(crate) kafka_libs: Option<PathBuf>,
    /// A template of the broker's settings, with @PORT@, @CONTROLLER_PORT@ and @DATA@.
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
