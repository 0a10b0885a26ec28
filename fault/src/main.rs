//! The fault rig: runs the platform as its users do, injects random faults from a seed, and compares the
//! results. The answers to clients and subscribers must agree with the recorded history.
//!
//! `./dev fault` builds and runs the rig. The faults follow from the seed alone. Every file that helps to
//! find a cause is in the directory of the run. No process of the rig outlives it. The rig shares no code
//! with the platform, so that a mistake there cannot hide one here.

mod api;
mod compare;
mod console;
mod difference;
mod exits;
mod faults;
mod final_checks;
mod inject;
mod ledger;
mod load;
mod not_possible;
mod options;
mod plan;
mod platform;
mod process;
mod quiescence;
mod random;
mod report;
mod rig;
mod servers;
mod subscriber;
mod token;

use std::fs;
use std::io::stdout;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::console::info;
use crate::options::Options;

// One thread, because the kernel ends the processes that a thread started when the thread ends.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let mut options = Options::parse();
    fs::create_dir_all(&options.dir)?;
    options.dir = fs::canonicalize(&options.dir)?;
    options.program = fs::canonicalize(&options.program)
        .with_context(|| format!("{} is not there", options.program.display()))?;
    let mut terminated = signal(SignalKind::terminate())?;
    let report = tokio::select! {
        report = rig::run(&options) => report?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            info("interrupted; everything is stopped");
            return Ok(ExitCode::from(130));
        }
        _ = terminated.recv() => {
            info("terminated; everything is stopped");
            return Ok(ExitCode::from(143));
        }
    };
    report.write(&options.dir.join("report.json"))?;
    if let Some(file) = &options.json {
        report.write(file)?;
    }
    report.print(&mut stdout().lock())?;
    Ok(match report.differences.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
