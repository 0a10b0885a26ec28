//! Settings from the environment: the file `.env`, and the refusal of unknown variables.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::{env, fs};

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, Command};

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

/// The URL schemes of the variables that Kubernetes sets for each Service.
const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

/// The values that mean false for a flag.
const FALSE: [&str; 4] = ["0", "false", "no", "off"];

/// Sets the variables of this program that the file `.env` in the current directory has, if it is a file. Variables
/// that are set already keep their values. The caller must not have started any thread.
///
/// Lines of other programs are not looked at: the directory may be theirs.
///
/// # Errors
/// When a line of this program cannot be understood. The error never repeats the line, which can hold a secret.
pub(crate) fn read_dotenv() -> anyhow::Result<()> {
    let path = Path::new(".env");
    if !path.is_file() {
        return Ok(());
    }
    let read = fs::read(path).context("the file .env in this directory cannot be read")?;
    let ours = own_lines(&String::from_utf8_lossy(&read))?;
    dotenvy::from_read(ours.as_bytes()).context("the file .env in this directory cannot be used")
}

/// Returns the lines of this program in a form that has one meaning: values in quotes, without substitutions.
fn own_lines(text: &str) -> anyhow::Result<String> {
    let mut ours = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        if !line.starts_with(PREFIX) {
            continue;
        }
        let (name, value) = line
            .split_once('=')
            .with_context(|| format!("line {number} of the file .env has no `=`"))?;
        let value = unquoted(value.trim())
            .with_context(|| format!("line {number} of the file .env has no quote at its end"))?;
        let value = value
            .replace('\\', r"\\")
            .replace('"', "\\\"")
            .replace('$', r"\$");
        ours.push_str(&format!("{}=\"{value}\"\n", name.trim_end()));
    }
    Ok(ours)
}

/// Returns the value without quotes, or without a comment if it has no quotes. A quote ends the value if nothing but a
/// comment follows it. Returns `None` if no quote does.
fn unquoted(value: &str) -> Option<&str> {
    let Some(quote @ ('"' | '\'')) = value.chars().next() else {
        let (value, _) = value.split_once(" #").unwrap_or((value, ""));
        return Some(value.trim_end());
    };
    let quoted = &value[1..];
    let ends = |(end, _): &(usize, &str)| {
        let rest = quoted[end + 1..].trim_start();
        rest.is_empty() || rest.starts_with('#')
    };
    let (end, _) = quoted.match_indices(quote).find(ends)?;
    Some(&quoted[..end])
}

/// Returns the command without the variables that mean nothing, as if they were not set: empty ones, flags that are
/// switched off, and those of Kubernetes with the name of a setting.
pub(crate) fn without_unset(command: Command) -> Command {
    command
        .mut_args(|argument| {
            if is_unset(&argument) {
                argument.env(None::<&'static str>)
            } else {
                argument
            }
        })
        .mut_subcommands(without_unset)
}

fn is_unset(argument: &Arg) -> bool {
    let Some(name) = argument.get_env() else {
        return false;
    };
    let value = env::var(name).unwrap_or_default();
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
    env::var_os(name).is_some_and(|value| value.is_empty())
        || is_flag && FALSE.contains(&value.to_ascii_lowercase().as_str())
        || is_of_kubernetes(&name.to_string_lossy(), &value)
}

/// Returns true for a variable that Kubernetes sets for a Service whose name begins like this program's. See
/// [Discovering services](https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_url = PROTOCOLS.iter().any(|protocol| {
        value
            .strip_prefix(protocol)
            .is_some_and(|rest| rest.starts_with("://"))
    });
    // NAME_PORT_8085_TCP, and the same with _PROTO, _PORT and _ADDR.
    let is_of_port = name.rsplit_once("_PORT_").is_some_and(|(_, rest)| {
        let mut parts = rest.split('_');
        let (port, protocol) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        is_port(port) && PROTOCOLS.contains(&protocol.to_ascii_lowercase().as_str())
    });
    let is_service = name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_") && is_port(value);
    is_service || is_of_port || name.ends_with("_PORT") && is_url
}

/// Refuses an unknown variable with the prefix of this program, so that a misspelt setting is never ignored.
///
/// # Errors
/// When a variable is unknown. The error names it and the known ones.
pub(crate) fn refuse_unknown(
    cli: &Command,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> anyhow::Result<()> {
    let known = known(cli);
    for (variable, value) in variables {
        let Some(name) = variable.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let is_known = known.contains(name)
            || OF_OTHERS.iter().any(|other| name.starts_with(other))
            || is_of_kubernetes(name, &value.to_string_lossy());
        if !is_known {
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
        refuse_unknown(
            &Cli::command(),
            names
                .iter()
                .map(|name| (OsString::from(name), OsString::from("1"))),
        )
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

    #[test]
    fn variables_of_kubernetes_are_no_settings() {
        for (name, value) in [
            ("CLUSTERGENIE_SERVICE_HOST", "10.0.0.11"),
            ("CLUSTERGENIE_SERVICE_PORT", "8085"),
            ("CLUSTERGENIE_SERVICE_PORT_HTTP_API", "8085"),
            ("CLUSTERGENIE_API_PORT", "tcp://10.0.0.11:8085"),
            ("CLUSTERGENIE_API_PORT_8085_TCP", "tcp://10.0.0.11:8085"),
            ("CLUSTERGENIE_API_PORT_8085_TCP_PROTO", "tcp"),
            ("CLUSTERGENIE_API_PORT_8085_TCP_PORT", "8085"),
            ("CLUSTERGENIE_API_PORT_8085_TCP_ADDR", "10.0.0.11"),
        ] {
            assert!(is_of_kubernetes(name, value), "{name}");
        }
        for (name, value) in [
            ("CLUSTERGENIE_API_PORT", "8085"),
            ("CLUSTERGENIE_SERVICE", "10.0.0.11"),
            ("CLUSTERGENIE_PORT_X_TCP", "1"),
            ("CLUSTERGENIE_LISTN", "tcp://10.0.0.11:8085"),
        ] {
            assert!(!is_of_kubernetes(name, value), "{name}");
        }
    }

    #[test]
    fn only_own_lines_of_the_file_count_and_values_are_taken_literally() {
        let text = "SECRET='unclosed\nPATH=$(pwd) x\n# CLUSTERGENIE_A=1\n export CLUSTERGENIE_B = b $HOME # c\n\
                    CLUSTERGENIE_C='it # is'\nCLUSTERGENIE_D=\"a\\b\"\nCLUSTERGENIE_E=\n\
                    CLUSTERGENIE_F=\"a \" b\" # \"c\"\n";
        let ours = own_lines(text).unwrap();
        let read = dotenvy::from_read_iter(ours.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| (&name[13..], &value[..]))
            .collect();
        assert_eq!(
            read,
            [
                ("B", "b $HOME"),
                ("C", "it # is"),
                ("D", "a\\b"),
                ("E", ""),
                ("F", "a \" b")
            ]
        );
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number_and_not_repeated() {
        for wrong in ["CLUSTERGENIE_KEY s3cret", "CLUSTERGENIE_KEY='s3cret"] {
            let error = own_lines(&format!("A=1\n{wrong}\n"))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("line 2") && !error.contains("s3cret"),
                "{error}"
            );
        }
    }
}
