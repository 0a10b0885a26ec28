//! Benchmarks: ratios of one run on one machine, never times to be asserted.
//!
//! `cargo run --release -p bench -- append` with `CLUSTERGENIE_BENCH_DATABASE_URL` naming an empty
//! database on a server with fsync on. Benchmarks are never part of the tests.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]

mod append;

use anyhow::{Context, bail};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::var("CLUSTERGENIE_BENCH_DATABASE_URL")
        .context("set CLUSTERGENIE_BENCH_DATABASE_URL to an empty database with fsync on")?;
    match std::env::args().nth(1).as_deref() {
        Some("append") => append::run(&url).await,
        other => bail!("there is no benchmark {other:?}; choose one of: append"),
    }
}
