//! Benchmarks: ratios of one run on one machine, never times to be asserted.
//!
//! `cargo run --release -p bench -- NAME`. `append` needs `CLUSTERGENIE_BENCH_DATABASE_URL` naming an
//! empty database on a server with fsync on; `subscribers` needs `CLUSTERGENIE_BENCH_PROGRAM` naming the
//! program, built for release; `documents` and `hostile` need nothing. Benchmarks are never part of the
//! tests.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]

mod append;
mod cpu;
mod documents;
mod hostile;
mod subscribers;

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
        Some("hostile") => hostile::run().await,
        Some("subscribers") => {
            let program = std::env::var_os("CLUSTERGENIE_BENCH_PROGRAM").context(
                "set CLUSTERGENIE_BENCH_PROGRAM to the program, such as target/release/clustergenie",
            )?;
            // It is started in a folder of its own.
            subscribers::run(&std::path::absolute(program)?).await
        }
        other => {
            bail!(
                "there is no benchmark {other:?}; choose one of: append, documents, hostile, \
                 subscribers"
            )
        }
    }
}
