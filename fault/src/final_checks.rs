//! The end of a run: waits for quiescence and runs every comparison.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use crate::compare::history::History;
use crate::compare::{clusters, commands, kafka, kcat, positions, read_models, subscribers};
use crate::console::info;
use crate::options::Options;
use crate::process::Process;
use crate::quiescence;
use crate::report::Report;
use crate::rig::{PATIENCE, Rig};
use crate::servers::kafka::PREFIX;

const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Time for which subscribers listen after the last event, so that late duplicates arrive.
const LATE: Duration = Duration::from_secs(2);

impl Rig {
    /// Waits for quiescence and compares.
    ///
    /// # Errors
    /// When data cannot be read. Differences are no error.
    pub(crate) async fn run_final_checks(
        &self,
        options: &Options,
        mode: String,
        begun: Instant,
        followers: &mut JoinSet<anyhow::Result<()>>,
    ) -> anyhow::Result<Report> {
        if let Err(error) = self.platform.until_ready(PATIENCE).await {
            self.differences.note("quiescence", format!("{error:#}"));
        }
        if let Err(error) = quiescence::wait(&self.platform.address, PATIENCE).await {
            self.differences.note("quiescence", format!("{error:#}"));
        }
        info("the platform is quiescent; comparing");
        let mut connection = self.platform.address.connect().await?;
        let head = sqlx::query_scalar("select position from es.log_head");
        let head: i64 = head.fetch_one(&mut connection).await?;
        let history = History::read(&mut connection).await?;
        positions::check(&history, head, &self.differences);
        commands::check(&self.ledger.records(), &history, &self.differences);
        let counters = clusters::counters(&mut connection).await?;
        clusters::check(&history, &counters, &self.differences);
        let found = read_models::ReadModels::read(&mut connection).await?;
        let expected = read_models::ReadModels::of(&history);
        read_models::check(&found, &expected, &self.differences);
        let parked: Vec<String> = sqlx::query_scalar("select p::text from es.parked p")
            .fetch_all(&mut connection)
            .await?;
        for parked in parked {
            self.differences
                .note("read models", format!("a stream is parked: {parked}"));
        }
        let messages = self.check_kafka(&history, &options.dir).await?;
        self.check_subscribers(&history).await?;
        let verify = self.verify(options).await?;
        if let Some(ended) = followers.try_join_next() {
            bail!("a part of the rig ended: {ended:?}");
        }
        for end in self.platform.all().flat_map(Process::unexplained_ends) {
            self.differences.note("processes", end);
        }
        let (acknowledged, refused, unknown) = self.ledger.tally();
        let records = self.ledger.records();
        Ok(Report {
            seed: options.seed,
            mode,
            seconds: begun.elapsed().as_secs(),
            faults: self.injector.counts(),
            ended_by_themselves: self
                .platform
                .all()
                .map(|process| process.ended_by_itself())
                .sum(),
            acknowledged,
            refused,
            unknown,
            sendings: records.iter().map(|record| record.attempts.len()).sum(),
            events: history.events.len(),
            subscribers: self.subscriber_logs.len(),
            seen: self.subscriber_logs.iter().map(|log| log.len()).sum(),
            reconnects: self
                .subscriber_logs
                .iter()
                .map(|log| log.connections().saturating_sub(1))
                .sum(),
            reads: self.reads.tally(),
            messages,
            verify,
            differences: self.differences.all(),
        })
    }

    async fn check_kafka(&self, history: &History, folder: &Path) -> anyhow::Result<Option<usize>> {
        let Some(broker) = &self.platform.kafka else {
            return Ok(None);
        };
        let deleted_topics = self.injector.deleted_topics();
        let (client, expected) = (broker.client(), kafka::expected(history, &deleted_topics));
        let messages =
            spawn_blocking(move || kafka::committed(client, expected, PATIENCE)).await??;
        kafka::check(&messages, history, &deleted_topics, &self.differences);
        if let Some(messages) = kcat::committed(&broker.brokers, folder).await? {
            info(&format!(
                "read again by `{}`: {} messages",
                kcat::command(&broker.brokers),
                messages.len()
            ));
            kafka::check(&messages, history, &deleted_topics, &self.differences);
        }
        Ok(Some(messages.len()))
    }

    /// Waits until every subscriber has enough events and has reconnected once, because duplicates may arrive
    /// then. Compares the received events of each subscriber.
    async fn check_subscribers(&self, history: &History) -> anyhow::Result<()> {
        let shared = self.shared.droplet;
        let after = history.position_of(shared.stream, shared.version);
        let after = after.context("the first event of the shared droplet has no position")?;
        let begun = Instant::now();
        for log in &self.subscriber_logs {
            let expected = subscribers::expected(&log.filter, history, after);
            while log.len() < expected.len() && begun.elapsed() < PATIENCE {
                sleep(POLL_INTERVAL).await;
            }
        }
        let connected = self.subscriber_logs.iter().map(|log| log.connections());
        let connected: Vec<_> = connected.collect();
        for log in &self.subscriber_logs {
            log.reconnect();
        }
        for (log, before) in self.subscriber_logs.iter().zip(connected) {
            while log.connections() == before && begun.elapsed() < PATIENCE {
                sleep(POLL_INTERVAL).await;
            }
            if log.connections() == before {
                let what = format!("{} does not reconnect", log.name);
                self.differences.note("subscribers", what);
            }
        }
        sleep(LATE).await;
        for log in &self.subscriber_logs {
            let expected = subscribers::expected(&log.filter, history, after);
            subscribers::check(&log.name, &log.seen(), &expected, &self.differences);
        }
        Ok(())
    }

    /// Runs `clustergenie verify` and returns its result. Keeps the report in the directory of the run.
    async fn verify(&self, options: &Options) -> anyhow::Result<String> {
        let url = self.platform.address.url()?;
        let mut arguments = vec![
            "verify".to_owned(),
            "--json".to_owned(),
            format!("--database-url={url}"),
        ];
        if let Some(broker) = &self.platform.kafka {
            arguments.push(format!("--kafka={}", broker.brokers));
            arguments.push(format!("--kafka-prefix={PREFIX}"));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = self.platform.output(&arguments).await?;
        fs::write(options.dir.join("verify.json"), &output.stdout)?;
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let checks = report["checks"].as_array().map(Vec::as_slice);
        for check in checks.unwrap_or_default() {
            if check["result"] != "holds" {
                self.differences.note("verify", check.to_string());
            }
        }
        if !output.status.success() && checks.is_none() {
            let said = String::from_utf8_lossy(&output.stderr);
            self.differences
                .note("verify", format!("{}: {said}", output.status));
        }
        let result = report["result"].as_str();
        Ok(result.unwrap_or("no report").to_owned())
    }
}
