//! Queries a second over HTTP, compared with a peer and with the limit, on one Postgres with the same rows.
//!
//! The limit is `pgbench` with the SQL that our server sends. The peer is PostGraphile 5 on the same read models,
//! in two ways. "postgraphile" restricts each request to an organization by role and setting, as ours does;
//! "postgraphile, plain" has no row-level security and reads views of one organization.
//!
//! Every work has a constant document and random arguments. The sides take turns, so that what happens on the
//! machine meanwhile falls on all. The answers of all sides are compared with each other before, and checked
//! during each run.

mod check;
mod data;
mod documents;
mod limit;
mod load;
mod random;
mod report;
mod settings;
mod side;
mod statements;

use std::fs;
use std::time::Duration;

use anyhow::ensure;
use event_store::pool::{self, Purpose};
use serde_json::Value;
use sqlx::PgPool;

use self::check::{Check, comparable};
use self::data::Listed;
use self::limit::{Limit, REQUESTS};
use self::load::Run;
use self::random::Random;
use self::report::{Report, Row};
pub(crate) use self::settings::Settings;
use self::settings::Work;
use self::side::{Call, Side};
use crate::http::Connection;
use crate::servers::{self, Servers};
use crate::usage::Processes;

/// The time before the first run of a side counts, in which plans are cached and code is compiled.
const FIRST_WARM_UP: Duration = Duration::from_secs(5);
/// The time before later runs of a side count.
const WARM_UP: Duration = Duration::from_secs(1);

/// The number of arguments for which the answers of all sides are compared.
const COMPARED: usize = 20;

/// The parts that all works share.
struct Bench {
    settings: Settings,
    pool: PgPool,
    postgres: Processes,
    listed: Listed,
    sides: Vec<Side>,
}

/// Measures all works, prints the table and writes the report.
///
/// # Errors
/// When a server fails, or an answer is wrong.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let suite = &settings.suite;
    suite.create_dir()?;
    servers::write_key(&suite.dir)?;
    eprintln!("Filling the read models");
    servers::migrate(suite).await?;
    let pool = pool::connect(&suite.database_url, Purpose::Maintenance, 2).await?;
    let listed = data::fill(&pool).await?;
    let mut servers = Servers::default();
    let (server, token) = servers.ours(suite, data::ORG).await?;
    let mut sides = vec![Side::ours(server, token).await?];
    if let Some(peers) = &suite.peers {
        for (name, schema, org) in [
            ("postgraphile", "peer", data::ORG),
            ("postgraphile, plain", "peer_plain", ""),
        ] {
            let server = servers.postgraphile(suite, peers, name, schema, org);
            sides.push(Side::postgraphile(name, server.await?));
        }
    }
    eprintln!("Collecting arguments");
    for side in &mut sides {
        side.collect_arguments(&listed).await?;
    }
    let bench = Bench {
        postgres: Processes::of_postgres(&pool).await?,
        settings,
        pool,
        listed,
        sides,
    };
    let mut report = Report::default();
    for work in bench.settings.works() {
        bench.measure(work, &mut report).await?;
    }
    report.print();
    let json = serde_json::to_string_pretty(&report.to_json(&bench.settings))?;
    fs::write(&bench.settings.suite.json, json + "\n")?;
    Ok(())
}

impl Bench {
    /// Measures all sides for a work, and adds their rows to the report.
    async fn measure(&self, work: Work, report: &mut Report) -> anyhow::Result<()> {
        let check = Check {
            work,
            listed: &self.listed,
        };
        let mut calls = Vec::new();
        for side in &self.sides {
            let Some(call) = side.call(work) else {
                let why = format!("the schema of {} lacks a field that it needs", side.name);
                report.skip(work, why);
                return Ok(());
            };
            calls.push(call);
        }
        self.compare(&calls, check).await?;
        let limit = match self.limit(check, &calls[0]).await {
            Ok(limit) => Some(limit),
            Err(error) => {
                report.skip(work, format!("the limit is unknown: {error:#}"));
                None
            }
        };
        for connections in &self.settings.connections {
            let rows = self.rounds(check, &calls, limit.as_ref(), *connections);
            report.rows.extend(rows.await?);
        }
        Ok(())
    }

    /// Prepares the limit of a work from the SQL that our server sends.
    async fn limit(&self, check: Check<'_>, call: &Call) -> anyhow::Result<Limit> {
        let ours = &self.sides[0];
        let requests = statements::capture(&self.pool, ours, call, check, REQUESTS).await?;
        for statement in &requests[0] {
            eprintln!("{} is limited by: {}", check.work.name(), statement.sql);
        }
        Limit::prepare(&self.settings.suite, &self.pool, check.work, &requests).await
    }

    /// Lets the sides take turns.
    async fn rounds(
        &self,
        check: Check<'_>,
        calls: &[Call],
        limit: Option<&Limit>,
        connections: u16,
    ) -> anyhow::Result<Vec<Row>> {
        let row = |side| Row {
            work: check.work.name(),
            connections,
            side,
            runs: Vec::new(),
        };
        let mut rows: Vec<_> = self.sides.iter().map(|side| row(side.name)).collect();
        let mut of_limit = row("limit");
        for round in 0..self.settings.suite.rounds {
            for ((side, call), row) in self.sides.iter().zip(calls).zip(&mut rows) {
                let run = Run {
                    side,
                    call,
                    check,
                    postgres: self.postgres,
                    connections,
                    warm_up: if round == 0 { FIRST_WARM_UP } else { WARM_UP },
                    length: self.settings.suite.length(),
                    seed: u64::from(round) + 1,
                };
                row.add(run.measure().await?);
            }
            if let Some(limit) = limit {
                if round == 0 {
                    limit.measure(self.postgres, connections, WARM_UP).await?;
                }
                let length = self.settings.suite.length();
                let measured = limit.measure(self.postgres, connections, length);
                of_limit.add(measured.await?);
            }
        }
        rows.extend(limit.map(|_| of_limit));
        Ok(rows)
    }

    /// Compares the answers of all sides to the same arguments.
    async fn compare(&self, calls: &[Call], check: Check<'_>) -> anyhow::Result<()> {
        let mut random = Random::new(7);
        for _ in 0..COMPARED {
            let choice = random.below(self.sides[0].choices());
            let mut first: Option<Value> = None;
            for (side, call) in self.sides.iter().zip(calls) {
                let mut connection = Connection::open(side.address).await?;
                let mut request = String::new();
                side.write(call, choice, &mut request);
                let answer = connection.exchange(request.as_bytes()).await?;
                check.full(choice, answer.body)?;
                let mut answer: Value = serde_json::from_slice(answer.body)?;
                comparable(&mut answer);
                let expected = first.get_or_insert_with(|| answer.clone());
                ensure!(
                    *expected == answer,
                    "{} answers otherwise than ours: {answer}, {expected}",
                    side.name
                );
            }
        }
        Ok(())
    }
}
