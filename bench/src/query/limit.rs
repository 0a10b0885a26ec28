//! The limit: the statements of our server without a server, sent by `pgbench`.
//!
//! A transaction of `pgbench` fetches the arguments of some requests in one row, and then sends the statements of
//! these requests, each prepared. The fetch is a small part of the transaction, and counts.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::{Instant, sleep};

use super::data::ORG;
use super::report::Measured;
use super::settings::Work;
use super::statements::Statements;
use crate::pgbench;
use crate::settings::Settings;
use crate::usage::{Processes, Usage};

/// Requests in a transaction.
const TOGETHER: usize = 10;

/// Different transactions.
const ROWS: usize = 50;

/// Requests whose statements a limit is made of.
pub(super) const REQUESTS: usize = TOGETHER * ROWS;

/// The script of a work for `pgbench`.
pub(super) struct Limit {
    settings: Settings,
    script: PathBuf,
}

impl Limit {
    /// Stores the arguments of [`REQUESTS`] requests, and writes the script.
    ///
    /// # Errors
    /// When Postgres fails or the script cannot be written.
    pub(super) async fn prepare(
        settings: &Settings,
        pool: &PgPool,
        work: Work,
        requests: &[Statements],
    ) -> anyhow::Result<Self> {
        let table = format!("bench.{}", work.name().replace('-', "_"));
        store(pool, &table, requests).await?;
        let script = settings.dir.join(format!("{}.sql", work.name()));
        fs::write(&script, text(&table, &requests[0])?)?;
        Ok(Self {
            settings: settings.clone(),
            script,
        })
    }

    /// Runs `pgbench` and measures.
    ///
    /// # Errors
    /// When `pgbench` fails.
    pub(super) async fn measure(
        &self,
        postgres: Processes,
        connections: u16,
        length: Duration,
    ) -> anyhow::Result<Measured> {
        // As the sessions of our server: see `Purpose::Queries`.
        let session = format!(
            "-c role=clustergenie_reader -c enable_seqscan=off -c enable_sort=off -c jit=off \
             -c clustergenie.org={ORG}"
        );
        let before = Usage::so_far(None, postgres)?;
        let started = Instant::now();
        let sent = pgbench::run(&self.settings, &self.script, connections, length, &session);
        let sent = sent.await?;
        let used = Usage::so_far(None, postgres)?.since(before);
        let elapsed = started.elapsed();
        let together = TOGETHER as f64;
        // A moment for sessions to end.
        sleep(Duration::from_millis(100)).await;
        Ok(Measured {
            per_second: sent.per_second * together,
            p50: sent.mean_millis / together,
            p99: None,
            server_micros: None,
            postgres_micros: used.postgres.as_secs_f64() * 1e6 / (sent.count.max(1.0) * together),
            others_percent: used.others_percent(elapsed),
        })
    }
}

/// Makes the table of arguments: a row for each transaction, a column for each value.
async fn store(pool: &PgPool, table: &str, requests: &[Statements]) -> anyhow::Result<()> {
    let values = |requests: &[Statements]| -> Vec<String> {
        let statements = requests.iter().flatten();
        statements.flat_map(|one| one.values.clone()).collect()
    };
    let width = values(&requests[..TOGETHER]).len();
    let mut make = format!("create table {table} (n int primary key");
    let mut insert = format!("insert into {table} values ($1");
    for column in 0..width {
        write!(make, ", a{column} text not null")?;
        write!(insert, ", ${}", column + 2)?;
    }
    make.push(')');
    insert.push(')');
    sqlx::query(AssertSqlSafe(make)).execute(pool).await?;
    for (row, requests) in (0i32..).zip(requests.chunks(TOGETHER)) {
        let mut query = sqlx::query(AssertSqlSafe(insert.clone())).bind(row);
        for value in values(requests) {
            query = query.bind(value);
        }
        query.execute(pool).await?;
    }
    let grant = format!(
        "grant usage on schema bench to clustergenie_reader; \
         grant select on {table} to clustergenie_reader; analyze {table}"
    );
    sqlx::raw_sql(AssertSqlSafe(grant)).execute(pool).await?;
    Ok(())
}

/// The script, which sends the statements of [`TOGETHER`] requests.
fn text(table: &str, statements: &Statements) -> anyhow::Result<String> {
    let width = TOGETHER * statements.iter().map(|one| one.values.len()).sum::<usize>();
    let columns: Vec<_> = (0..width).map(|column| format!("a{column}")).collect();
    let columns = columns.join(", ");
    let mut script = format!(
        "\\set n random(0, {})\nselect {columns} from {table} where n = :n \\gset\n",
        ROWS - 1
    );
    let mut column = 0;
    for statement in (0..TOGETHER).flat_map(|_| statements) {
        writeln!(script, "{};", with_variables(&statement.sql, column))?;
        column += statement.values.len();
    }
    Ok(script)
}

/// Replaces `$1` by the variable of the first column of a statement, and so on.
fn with_variables(sql: &str, first: usize) -> String {
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        match part[..digits].parse::<usize>() {
            Ok(number) => {
                // The space keeps casts apart: `:a1::uuid` would be read otherwise than `$1::uuid`.
                text.push_str(&format!(":a{} ", first + number - 1));
                text.push_str(&part[digits..]);
            }
            Err(_) => {
                text.push('$');
                text.push_str(part);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::statements::Statement;
    use super::*;

    #[test]
    fn parameters_become_variables() {
        assert_eq!(
            with_variables("select $1, $2::uuid, '$' limit $12", 4),
            "select :a4 , :a5 ::uuid, '$' limit :a15 "
        );
    }

    #[test]
    fn a_script_sends_the_statements_of_some_requests() {
        let statements = vec![Statement {
            sql: "select $1".to_owned(),
            values: vec!["x".to_owned()],
        }];
        let script = text("bench.list", &statements).unwrap();
        assert!(script.contains("select a0, a1, "));
        assert!(script.ends_with("select :a9 ;\n"));
        assert_eq!(script.lines().count(), 2 + TOGETHER);
    }
}
