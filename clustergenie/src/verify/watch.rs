//! Runs a check, measures its time, and shows its progress on standard error.

use std::time::Duration;

use event_store::audit::finding::{Findings, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::report::Checked;

/// Redraw interval of the progress bar.
const DRAW_INTERVAL: Duration = Duration::from_millis(200);
/// Log interval of a long check where no progress bar is shown.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Runs a check that counts in `unit`.
pub(super) async fn check(
    name: impl Into<String>,
    unit: &'static str,
    progress: &Progress,
    check: impl Future<Output = anyhow::Result<Findings>>,
) -> Checked {
    let name = name.into();
    let started = Instant::now();
    let findings = tokio::select! {
        findings = check => findings,
        never = show(&name, unit, progress) => match never {},
    };
    Checked::new(name, unit, findings, started.elapsed())
}

async fn show(name: &str, unit: &str, progress: &Progress) -> std::convert::Infallible {
    let style = ProgressStyle::with_template("{msg:14} {bar:40} {pos}/{len} {per_sec} ETA {eta}")
        .expect("the template is well-formed");
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
    bar.set_message(name.to_owned());
    let bar = Cleared(bar);
    let mut ticks = interval(DRAW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut logged = Instant::now();
    loop {
        ticks.tick().await;
        let (compared, about) = progress.look();
        bar.0.set_length(about.max(compared));
        bar.0.set_position(compared);
        if bar.0.is_hidden() && logged.elapsed() >= LOG_INTERVAL {
            logged = Instant::now();
            tracing::info!(check = name, compared, about, unit, "checking");
        }
    }
}

/// A progress bar that is removed when its check ends in any way.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
