//! Settings from the environment: the file `.env`, and the refusal of unknown variables.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, bail};
use clap::Command;

/// The prefix of all variables of this program.
const PREFIX: &str = "CLUSTERGENIE_";

/// Variables of other programs: of the tests, of the benchmarks (`trace load` takes the token), and of
/// `docker-compose.yml`, which reads the same `.env`.
const OF_OTHERS: [&str; 4] = [
    "CLUSTERGENIE_TEST_",
    "CLUSTERGENIE_BENCH_",
    "CLUSTERGENIE_TOKEN",
    "CLUSTERGENIE_PORT",
];

/// Sets the variables of the file `.env` in the current directory, if the file exists. Variables that are set
/// already keep their values. The caller must not have started any thread.
///
/// # Errors
/// When the file cannot be read or understood.
pub(crate) fn read_dotenv() -> anyhow::Result<()> {
    let path = Path::new(".env");
    if path.exists() {
        dotenvy::from_path(path).context("the file .env in this directory cannot be used")?;
    }
    Ok(())
}

/// Refuses an unknown variable with the prefix of this program, so that a misspelt setting is never ignored.
///
/// # Errors
/// When a variable is unknown. The error names it and the known ones.
pub(crate) fn refuse_unknown(
    cli: &Command,
    variables: impl Iterator<Item = OsString>,
) -> anyhow::Result<()> {
    let known = known(cli);
    for variable in variables {
        let Some(name) = variable.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if !known.contains(name) && !OF_OTHERS.iter().any(|other| name.starts_with(other)) {
            let known: Vec<_> = known.iter().map(String::as_str).collect();
            bail!(
                "the environment variable {name} is not a setting: correct its name or unset it. \
                 The settings are: {}",
                known.join(", ")
            );
        }
    }
    Ok(())
}

fn known(command: &Command) -> BTreeSet<String> {
    let own = command
        .get_arguments()
        .filter_map(|argument| argument.get_env());
    let mut known: BTreeSet<_> = own
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    known.extend(command.get_subcommands().flat_map(self::known));
    known
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::Cli;

    fn check(names: &[&str]) -> anyhow::Result<()> {
        refuse_unknown(&Cli::command(), names.iter().map(OsString::from))
    }

    #[test]
    fn settings_of_any_process_are_known() {
        check(&["CLUSTERGENIE_LOG", "CLUSTERGENIE_METRICS_LISTEN", "HOME"]).unwrap();
        check(&["CLUSTERGENIE_TEST_KAFKA", "CLUSTERGENIE_PORT"]).unwrap();
        check(&["CLUSTERGENIE_BENCH_PROGRAM", "CLUSTERGENIE_TOKEN"]).unwrap();
    }

    #[test]
    fn a_misspelt_setting_is_refused() {
        let error = check(&["CLUSTERGENIE_LISTEN", "CLUSTERGENIE_LISTN"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("CLUSTERGENIE_LISTN is not a setting"),
            "{error}"
        );
        assert!(error.contains("CLUSTERGENIE_WORKERS"), "{error}");
    }
}
