//! The SQL that our server sends for the requests of a work, read from the log of Postgres.
//!
//! It is read at run time, so that the limit stays true when our SQL changes.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use super::check::Check;
use super::random::Random;
use super::side::{Call, Side};
use crate::http::Connection;

/// The name that our server gives the connections of clients' queries.
const APPLICATION: &str = "clustergenie queries";

/// Timeout of the log.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The beginnings of statements that prepare a session, which a limit can do without.
const OF_SESSIONS: [&str; 5] = ["select set_config(", "set ", "begin", "commit", "rollback"];

/// The statements of one request, in their order.
pub(super) type Statements = Vec<Statement>;

/// A statement that was executed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement {
    pub(super) sql: String,
    /// The values of `$1`, `$2` and so on, as text.
    pub(super) values: Vec<String>,
}

/// A line of the log.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    application_name: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: String,
}

/// Sends so many requests one after the other, and returns the statements of each.
///
/// # Errors
/// When the server logs no JSON, or when requests of one document cause different statements.
pub(super) async fn capture(
    pool: &PgPool,
    side: &Side,
    call: &Call,
    check: Check<'_>,
    requests: usize,
) -> anyhow::Result<Vec<Statements>> {
    let file: Option<String> = sqlx::query_scalar("select pg_current_logfile('jsonlog')")
        .fetch_one(pool)
        .await?;
    let file = file.context("Postgres does not log in JSON")?;
    set_logging(pool, "all").await?;
    let from: i64 = sqlx::query_scalar("select size from pg_stat_file($1)")
        .bind(&file)
        .fetch_one(pool)
        .await?;
    let sent = send(side, call, check, requests).await;
    // Also after a failure: logging costs time.
    set_logging(pool, "none").await?;
    sent?;
    let begun = Instant::now();
    loop {
        let log: String =
            sqlx::query_scalar("select pg_read_file($1, $2, (size - $2)) from pg_stat_file($1)")
                .bind(&file)
                .bind(from)
                .fetch_one(pool)
                .await?;
        match by_request(&log, requests) {
            Ok(statements) => return Ok(statements),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error),
            // The log may not be written yet.
            Err(_) => sleep(POLL_INTERVAL).await,
        }
    }
}

/// Sends so many requests one after the other.
async fn send(side: &Side, call: &Call, check: Check<'_>, requests: usize) -> anyhow::Result<()> {
    let mut connection = Connection::open(side.address).await?;
    let mut random = Random::new(0);
    let mut request = String::new();
    for _ in 0..requests {
        let choice = random.below(side.choices());
        side.write(call, choice, &mut request);
        let answer = connection.exchange(request.as_bytes()).await?;
        check.full(choice, answer.body)?;
    }
    Ok(())
}

/// Sets what Postgres logs, and waits until sessions know.
async fn set_logging(pool: &PgPool, which: &'static str) -> anyhow::Result<()> {
    let set = match which {
        "all" => "alter system set log_statement = 'all'",
        _ => "alter system reset log_statement",
    };
    sqlx::raw_sql(set).execute(pool).await?;
    sqlx::raw_sql("select pg_reload_conf()")
        .execute(pool)
        .await?;
    let begun = Instant::now();
    loop {
        let now: String = sqlx::query_scalar("select current_setting('log_statement')")
            .fetch_one(pool)
            .await?;
        if now == which {
            // Other sessions read the signal before their next statement.
            sleep(POLL_INTERVAL).await;
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "Postgres does not reload");
        sleep(POLL_INTERVAL).await;
    }
}

/// Splits the log of requests, which came one after the other, by request.
fn by_request(log: &str, requests: usize) -> anyhow::Result<Vec<Statements>> {
    let mut all = Vec::new();
    for line in log.lines() {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            continue;
        };
        if line.application_name == APPLICATION
            && let Some(statement) = read(&line)?
        {
            all.push(statement);
        }
    }
    let each = all.len() / requests;
    ensure!(
        each > 0 && all.len() == each * requests,
        "{requests} requests caused {} statements: the limit is only known for a constant number",
        all.len()
    );
    let mut split: Vec<Statements> = all.chunks(each).map(<[_]>::to_vec).collect();
    // Statements of one request may run beside each other.
    split.iter_mut().for_each(|statements| statements.sort());
    let texts = |statements: &Statements| -> Vec<String> {
        statements.iter().map(|one| one.sql.clone()).collect()
    };
    let first = texts(&split[0]);
    ensure!(
        split.iter().all(|statements| texts(statements) == first),
        "requests of one document caused different statements"
    );
    Ok(split)
}

/// Returns the statement of a line, unless it only prepares the session.
fn read(line: &Line) -> anyhow::Result<Option<Statement>> {
    let Some(executed) = line.message.strip_prefix("execute ") else {
        return Ok(None);
    };
    let (_, sql) = executed.split_once(": ").context("a line has no SQL")?;
    let sql = sql.trim().trim_end_matches(';');
    let lower = sql.to_lowercase();
    if OF_SESSIONS.iter().any(|start| lower.starts_with(start)) {
        return Ok(None);
    }
    let values = match line.detail.split_once(": ") {
        Some((_, parameters)) => values(parameters)?,
        None => Vec::new(),
    };
    Ok(Some(Statement {
        sql: sql.to_owned(),
        values,
    }))
}

/// Reads `$1 = 'text', $2 = 'it''s'`.
fn values(mut rest: &str) -> anyhow::Result<Vec<String>> {
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (_, quoted) = rest.split_once(" = ").context("a parameter has no value")?;
        let Some(quoted) = quoted.strip_prefix('\'') else {
            bail!("a parameter is null: the limit does not know its type");
        };
        let mut value = String::new();
        let mut end = None;
        let mut characters = quoted.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                value.push(character);
            } else if characters.next_if(|next| next.1 == '\'').is_some() {
                value.push('\'');
            } else {
                end = Some(at + 1);
                break;
            }
        }
        values.push(value);
        rest = &quoted[end.context("a parameter does not end")?..];
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(message: &str, detail: &str) -> String {
        let line = json!({ "application_name": APPLICATION, "message": message, "detail": detail });
        format!("{line}\n")
    }

    #[test]
    fn values_are_read_with_their_quotes() {
        let read = values("$1 = 'bench', $2 = 'it''s, $3 = ''x''', $3 = ''").unwrap();
        assert_eq!(read, ["bench", "it's, $3 = 'x'", ""]);
        assert!(values("$1 = NULL").is_err());
    }

    #[test]
    fn statements_are_split_by_request() {
        let session = line(
            "execute s_1: select set_config('a', $1, false)",
            "parameters: $1 = 'x'",
        );
        let one = |value| {
            session.clone()
                + &line("execute s_3: select b", "")
                + &line(
                    "execute s_2: select a where id = $1",
                    &format!("parameters: $1 = '{value}'"),
                )
        };
        let split = by_request(&(one("1") + &one("2")), 2).unwrap();
        assert_eq!(split.len(), 2);
        assert_eq!(split[1][0].values, ["2"]);
        assert_eq!(split[1][1].sql, "select b");
        assert!(by_request(&one("1"), 3).is_err());
    }
}
