//! The limit: Kafka's own `kafka-producer-perf-test`, in transactions.

use std::process::Stdio;

use anyhow::{Context, ensure};
use domain::stream_type::StreamType;
use tokio::process::Command;

use super::history::History;
use super::{Run, create_topics};

/// Sent records for each event of the log. The first of them are not counted, because the code of the tool is compiled
/// meanwhile.
const TIMES: usize = 3;

/// Sends records of the mean size of ours to a topic with as many partitions, and returns the records a second.
///
/// # Errors
/// When the tool fails.
pub(super) async fn measure(run: &Run<'_>, history: &History) -> anyhow::Result<f64> {
    let kafka = create_topics(run).await;
    let count = history.len() * TIMES;
    let output = Command::new("java")
        .args(["-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"])
        .arg("-cp")
        .arg(run.kafka_libs.join("*"))
        .arg("org.apache.kafka.tools.ProducerPerformance")
        .args(["--topic", &kafka.topics().events(StreamType::DROPLET)])
        .args(["--num-records", &count.to_string()])
        .args(["--warmup-records", &history.len().to_string()])
        .args(["--record-size", &history.mean_bytes.to_string()])
        .args(["--throughput", "-1"])
        .args(["--transactional-id", &kafka.topics().transactional_id()])
        .arg("--command-property")
        .arg(format!("bootstrap.servers={}", run.brokers))
        .arg("compression.type=zstd")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("java cannot be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "the performance tool failed: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    rate(&said).with_context(|| format!("the performance tool says no rate: {said}"))
}

/// Reads the rate of the last summary, such as `500000 records sent, 93000.1 records/sec (…)`.
fn rate(said: &str) -> Option<f64> {
    let mut rates = said.lines().rev().filter_map(|line| {
        let (before, _) = line.split_once(" records/sec")?;
        before.rsplit(' ').next()?.parse().ok()
    });
    rates.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rate_counts() {
        let said = "10 records sent, 5.0 records/sec (1 MB/sec)\n20 steady state records sent, 93000.1 records/sec (2)\n";
        assert_eq!(rate(said), Some(93_000.1));
        assert_eq!(rate("nothing"), None);
    }
}
