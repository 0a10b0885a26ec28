//! Unrequested exits, and the rules for which of them are allowed.

use std::process::ExitStatus;

/// Prefix of the program's final error message.
const ERROR_PREFIX: &str = "clustergenie: ";

/// The circumstances in which a process may exit by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AllowedExit {
    /// Any exit: a server of the rig, which is broken on purpose and not under test.
    Any,
    /// An exit at the start while the database is down, and never once the process serves.
    WithoutDatabaseAtStart,
    /// An exit because the process's own Postgres ends or does not start.
    WithItsPostgres,
}

impl AllowedExit {
    /// True if the log of the process since its start explains its exit.
    pub(crate) fn explains(self, status: ExitStatus, said: &str) -> bool {
        let words = final_error(said);
        let begins = |beginnings: &[&str]| beginnings.iter().any(|b| words.starts_with(b));
        // A panic or a kill explains nothing.
        let has_told = status.code() == Some(1) && !words.contains("panicked");
        match self {
            Self::Any => true,
            Self::WithoutDatabaseAtStart => {
                let serves = said.contains("serving the API") || said.contains("serving /livez");
                let database = [
                    "the database cannot be used",
                    "the version of the database cannot be read",
                    "the tables of the read models cannot be made or looked up",
                    "the generations of the read models cannot be recorded",
                    "the event store is unavailable while declaring stream types",
                    "the event store is unavailable while looking up the incarnation of the log",
                ];
                has_told && !serves && begins(&database)
            }
            Self::WithItsPostgres => {
                let serves = said.contains("ClusterGenie serves at");
                let start = [
                    "Postgres did not start",
                    "migrating the database failed",
                    "the version of the database cannot be read",
                    "the tables of the read models cannot be made or looked up",
                    "the generations of the read models cannot be recorded",
                    "the event store is unavailable while declaring stream types",
                    "the event store is unavailable while looking up the incarnation of the log",
                    "the Postgres server with process id",
                    "the database cannot be created",
                    "the private Postgres",
                ];
                let ended = ["the task `postgres` failed"];
                has_told && (begins(&ended) || !serves && begins(&start))
            }
        }
    }
}

/// The program's final error message: the rest of its log from that message, or an empty text.
pub(crate) fn final_error(said: &str) -> &str {
    let begun = match said.rfind(&format!("\n{ERROR_PREFIX}")) {
        Some(newline) => newline + 1,
        None if said.starts_with(ERROR_PREFIX) => 0,
        None => return "",
    };
    said[begun + ERROR_PREFIX.len()..].trim_end()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const SERVES: &str = "INFO clustergenie::processes: serving /livez, /readyz and /metrics\n";
    const NO_DATABASE: &str = "clustergenie: the database cannot be used: check --database-url: pool \
                               timed out while waiting for an open connection\n";
    const NO_POSTGRES: &str = "clustergenie: the task `postgres` failed, so everything was stopped: \
                               Postgres ended with signal: 9 (SIGKILL); see postgres.log\n";

    fn exited(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn without_a_database_a_process_ends_at_its_start_only() {
        let explains =
            |status, said: &str| AllowedExit::WithoutDatabaseAtStart.explains(status, said);
        assert!(explains(exited(1), NO_DATABASE));
        assert!(!explains(exited(1), &format!("{SERVES}{NO_DATABASE}")));
        assert!(!explains(exited(1), ""), "it says nothing");
        assert!(!explains(exited(1), "clustergenie: the address is in use"));
        assert!(
            !explains(exited(101), NO_DATABASE),
            "the exit of a panic outside of tasks"
        );
        assert!(!explains(ExitStatus::from_raw(9), ""), "somebody killed it");
        let panicked = "clustergenie: the task `droplets` panicked, so everything was stopped";
        assert!(!explains(exited(1), panicked));
    }

    #[test]
    fn the_end_of_its_own_postgres_is_an_explanation_and_nothing_else_is() {
        let explains = |said: &str| AllowedExit::WithItsPostgres.explains(exited(1), said);
        let serves = "\nClusterGenie serves at http://127.0.0.1:1\n";
        assert!(explains(NO_POSTGRES));
        assert!(explains(&format!("{serves}{NO_POSTGRES}")));
        let full = "clustergenie: Postgres did not start, it ended with exit status: 1. The end of its \
                    log:\nFATAL:  could not write lock file: No space left on device\n";
        assert!(explains(full));
        assert!(!explains(&format!("{serves}{full}")));
        assert!(!explains(
            "clustergenie: the task `rebuilds` failed, so everything was stopped"
        ));
        assert!(!explains("INFO it goes on\n"));
    }

    #[test]
    fn the_last_words_are_all_lines_from_the_last_beginning_on() {
        assert_eq!(final_error("clustergenie: a\nb\n"), "a\nb");
        assert_eq!(final_error("x\nclustergenie: a\nclustergenie: b\n"), "b");
        assert_eq!(final_error("about clustergenie: a\n"), "");
    }
}
