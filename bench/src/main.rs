//! Benchmarks: ratios of one run on one machine, never times to be asserted.
//!
//! `cargo run --release -p bench -- NAME`. `append` needs `CLUSTERGENIE_BENCH_DATABASE_URL` naming an
//! empty database on a server with fsync on; `subscribers` needs `CLUSTERGENIE_BENCH_PROGRAM` naming the
//! program, built for release, and `hostile` measures more with it; `documents` needs nothing. Benchmarks
//! are never part of the tests.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]

mod append;
mod cpu;
mod documents;
mod hostile;
mod latencies;
mod platform;
mod subscribers;

use std::path::PathBuf;

use anyhow::{Context, bail};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("append") => {
            let url = std::env::var("CLUSTERGENIE_BENCH_DATABASE_URL").context(
                "set CLUSTERGENIE_BENCH_DATABASE_URL to an empty database with fsync on",
            )?;
            append::run(&url).await
        }
        Some("documents") => documents::run().await,
        Some("hostile") => hostile::run(program()?.as_deref()).await,
        Some("subscribers") => {
            let program = program()?.context(
                "set CLUSTERGENIE_BENCH_PROGRAM to the program, such as target/release/clustergenie",
            )?;
            subscribers::run(&program).await
        }
        other => {
            bail!(
                "there is no benchmark {other:?}; choose one of: append, documents, hostile, \
                 subscribers"
            )
        }
    }
}

/// The program to be measured, if it is named. It is started in a folder of its own.
fn program() -> anyhow::Result<Option<PathBuf>> {
    let program = std::env::var_os("CLUSTERGENIE_BENCH_PROGRAM");
    Ok(program.map(std::path::absolute).transpose()?)
}
