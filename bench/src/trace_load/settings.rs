//! Settings of `trace load`: flags and environment variables.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use domain::ids::OrgId;

/// Playing recorded input.
#[derive(Clone, Debug, Subcommand)]
pub enum Trace {
    /// Plays a cluster trace through the GraphQL API, as an external agent would. Playing the same file again
    /// within 30 days changes nothing, because the platform keeps idempotency keys for that time.
    Load(TraceLoad),
}

/// Settings of `trace load`.
#[derive(Clone, Debug, Parser)]
pub struct TraceLoad {
    /// A CSV file with a header and one task a line. Its columns may have any order. `name` is unique in the
    /// file. `cpu_milli` is requested thousandths of a processor, and `memory_mib` requested MiB; both are
    /// whole numbers, also as `1500.0`. `qos` becomes the tag `qos:<qos>`. `pod_phase` is Running, Succeeded, Failed or
    /// Pending. `creation_time`, `scheduled_time` (may be empty or `NaN`) and `deletion_time` are whole seconds from
    /// the start of the trace. The start is played as 2023-01-01T00:00:00Z. Other columns are ignored.
    pub(super) file: PathBuf,
    /// The platform's address, http or https, with or without `/graphql`.
    #[arg(
        long,
        env = "CLUSTERGENIE_URL",
        default_value = "http://127.0.0.1:8085"
    )]
    pub(super) url: String,
    /// An agent's token. Without a token, and for a platform on this machine, a token is signed with the key
    /// in --data.
    #[arg(long, env = "CLUSTERGENIE_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
    /// The data directory whose key signs if there is no token.
    #[arg(
        long,
        env = "CLUSTERGENIE_DATA",
        default_value = "clustergenie-data",
        value_name = "DIR"
    )]
    pub(super) data: PathBuf,
    /// The organization to load into if there is no token.
    #[arg(long, default_value = "demo")]
    pub(super) org: OrgId,
    /// Maximum number of requests in flight at once.
    #[arg(long, default_value = "64", value_name = "NUMBER")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) concurrency: u16,
    /// Print the closing table as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::rows::COLUMNS;
    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        trace: Trace,
    }

    fn help() -> String {
        let mut cli = Cli::command();
        let load = cli.find_subcommand_mut("load");
        load.expect("there is `load`")
            .render_long_help()
            .to_string()
    }

    #[test]
    fn the_settings_do_not_contradict_each_other() {
        Cli::command().debug_assert();
        let Trace::Load(load) = Cli::parse_from(["trace", "load", "a.csv"]).trace;
        assert_eq!(load.concurrency, 64);
        assert!(Cli::try_parse_from(["trace", "load", "a.csv", "--concurrency=0"]).is_err());
    }

    #[test]
    fn the_help_says_how_long_a_trace_may_be_loaded_again() {
        let (help, days) = (help(), event_store::write::idempotency::RETENTION_DAYS);
        assert!(help.contains(&format!("within {days} days")), "{help}");
    }

    #[test]
    fn the_help_names_every_column() {
        let help = help();
        for column in COLUMNS {
            assert!(help.contains(&format!("`{column}`")), "{column}: {help}");
        }
    }
}
