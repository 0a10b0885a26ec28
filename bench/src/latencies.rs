//! Percentiles of durations.

use std::time::Duration;

/// A percentile of durations, in milliseconds.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    let time = sorted.get(rank).copied().unwrap_or_default();
    time.as_secs_f64() * 1_000.0
}
