//! Makes a check, times it, and shows on standard error how far it is.

use std::time::Duration;

use event_store::audit::finding::{Findings, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::report::Checked;

/// How often the bar moves.
const MOVE_EVERY: Duration = Duration::from_millis(200);
/// How often a check that takes long is spoken of where nobody sees a bar.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Makes a check. `unit` is what it counts.
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
    let mut ticks = interval(MOVE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = Instant::now();
    loop {
        ticks.tick().await;
        let (compared, about) = progress.look();
        bar.0.set_length(about.max(compared));
        bar.0.set_position(compared);
        if bar.0.is_hidden() && said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            tracing::info!(check = name, compared, about, unit, "checking");
        }
    }
}

/// A bar that leaves nothing behind, however its check ends.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
