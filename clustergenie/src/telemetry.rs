//! Telemetry of the process: log lines on standard error, and metrics.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, Logging};

/// Histogram buckets of durations, in seconds.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Histogram buckets of sizes of batches.
const SIZES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// Interval of the recorder's upkeep.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Starts writing log lines to standard error.
///
/// # Errors
/// When the filter is malformed.
pub(crate) fn start_logging(logging: &Logging) -> anyhow::Result<()> {
    let filter = log_filter(&logging.log).with_context(|| {
        format!(
            "{:?} is not a log filter: set --log (CLUSTERGENIE_LOG) to a level such as `info`, or \
             to parts and levels such as `info,event_store=debug`",
            logging.log
        )
    })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // Otherwise a reader of the log that goes away ends the program, by a panic of `eprintln!`.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    let filtered = tracing_subscriber::registry().with(filter);
    let started = match logging.log_format {
        LogFormat::Text => filtered.with(lines).try_init(),
        LogFormat::Json => filtered.with(lines.json().flatten_event(true)).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

/// Reads a filter: levels, and parts with their levels, separated by commas. A part without a level logs everything.
/// `None` if an element is neither; the library itself takes any text for a part, which then logs nothing.
fn log_filter(text: &str) -> Option<Targets> {
    // The library reads an empty text as a level.
    let level = |text: &str| {
        text.parse::<LevelFilter>()
            .ok()
            .filter(|_| !text.is_empty())
    };
    let mut filter = Targets::new();
    let elements = text.split(',').map(str::trim);
    for element in elements.filter(|element| !element.is_empty()) {
        filter = match (element.split_once('='), level(element)) {
            (Some((part, of_part)), _) if is_part(part) => {
                filter.with_target(part, level(of_part)?)
            }
            (None, Some(level)) => filter.with_default(level),
            (None, None) if is_part(element) => filter.with_target(element, LevelFilter::TRACE),
            _ => return None,
        };
    }
    Some(filter)
}

/// Returns true for the path of a module, such as `event_store::relay`.
fn is_part(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':');
    !text.is_empty() && text.bytes().all(is_name)
}

/// The metrics of this process.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Starts to collect metrics. The process must call this once.
    ///
    /// # Errors
    /// When metrics were started before.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
            .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), SIZES)?
            .install_recorder()
            .context("metrics cannot start")?;
        metrics::describe_gauge!(
            "process_resident_memory_bytes",
            metrics::Unit::Bytes,
            "Resident memory of this process"
        );
        Ok(Self { handle })
    }

    /// Renders all metrics in Prometheus's text format.
    pub(crate) fn render(&self) -> String {
        if let Some(bytes) = resident_bytes() {
            metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
        }
        self.handle.render()
    }

    /// Empties the recorder's buffers periodically until `stop`; otherwise memory would grow.
    pub(crate) async fn run_upkeep(self, stop: CancellationToken) -> anyhow::Result<()> {
        while stop
            .run_until_cancelled(tokio::time::sleep(UPKEEP_INTERVAL))
            .await
            .is_some()
        {
            self.handle.run_upkeep();
        }
        Ok(())
    }
}

fn resident_bytes() -> Option<u64> {
    resident_bytes_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// The value of the line `VmRSS:     1234 kB`.
fn resident_bytes_in(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_levels_and_parts() {
        use tracing::Level;
        for (text, own, others) in [
            ("info", Level::INFO, Some(Level::INFO)),
            (" info ", Level::INFO, Some(Level::INFO)),
            ("info,", Level::INFO, Some(Level::INFO)),
            ("info, event_store=debug", Level::DEBUG, Some(Level::INFO)),
            ("event_store", Level::TRACE, None),
            ("WARN,event_store=trace", Level::TRACE, Some(Level::WARN)),
        ] {
            let filter = log_filter(text).expect("is a filter");
            assert!(filter.would_enable("event_store::relay", &own), "{text}");
            for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG] {
                let expected = others.is_some_and(|others| level <= others);
                assert_eq!(filter.would_enable("api", &level), expected, "{text}");
            }
        }
        for bad in [
            "in fo",
            "%%",
            "a[span]=debug",
            "api=loud",
            "api=",
            "=info",
            "a=b=info",
        ] {
            assert!(log_filter(bad).is_none(), "{bad} was taken");
        }
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        let status = "Name:\tclustergenie\nVmSize:\t  999 kB\nVmRSS:\t   12 kB\n";
        assert_eq!(resident_bytes_in(status), Some(12 * 1024));
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
