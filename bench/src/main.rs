//! Benchmarks: ratios of one run on one machine, never times to be asserted.
//!
//! `./dev bench NAME` starts what the benchmarks against peers and limits need. The others are run by
//! `cargo run --release -p bench -- NAME`: `shares` needs
//! `CLUSTERGENIE_BENCH_PROGRAM` naming the program, built for release, and `hostile` measures more with it.
//! `trace load` plays a recorded cluster trace through a running platform. Benchmarks are never part of the tests.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its progress and its table"
)]

mod append;
mod append_peers;
mod cpu;
mod end_to_end;
mod fan_out;
mod file_descriptors;
mod growth;
mod hostile;
mod http;
mod latencies;
mod memory;
mod metadata;
mod pgbench;
mod platform;
mod project;
mod query;
mod relay;
mod report;
mod resident;
mod servers;
mod settings;
mod shares;
mod subscriber;
mod tagger;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use bench::trace_load::{self, Trace};
use clap::Parser;

/// Benchmarks of ClusterGenie, and input to play through it.
#[derive(Debug, Parser)]
#[command(name = "bench")]
enum Bench {
    /// Measures commands a second, against single-row commits.
    Append(append::Settings),
    /// Measures commands a second on many streams, on one, and under one quota, against event stores for Node.js.
    AppendPeers(settings::Settings),
    /// Measures the time from a mutation to its event at a subscriber, embedded and through Kafka, against a floor.
    EndToEnd(end_to_end::Settings),
    /// Serves as the floor of `end-to-end`, which starts it.
    #[command(hide = true)]
    Floor(end_to_end::FloorSettings),
    /// Measures deliveries to many subscribers, also while the platform is disturbed, against PostGraphile.
    FanOut(fan_out::Settings),
    /// Measures costs that grow with the history, and the bytes of an event on disk.
    Growth(settings::Settings),
    /// Measures hostile documents and clients.
    Hostile {
        /// Duration of the flood of hostile clients.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Measures the memory of each process: idle, loaded, and after many events.
    Memory(memory::Settings),
    /// Measures live projection and rebuilds, against reading the same rows.
    Project(settings::Settings),
    /// Measures queries over HTTP, against PostGraphile and against their SQL alone. `./dev bench query` starts it.
    Query(query::Settings),
    /// Measures draining the log to Kafka, and the latency to its readers. `./dev bench relay` starts it.
    Relay(relay::Settings),
    /// Measures commands and probes beside catch-ups and idle sockets.
    Shares {
        /// Duration of each of the two loads.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Plays recorded input.
    #[command(subcommand)]
    Trace(Trace),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Bench::parse() {
        Bench::Append(settings) => append::run(settings).await,
        Bench::AppendPeers(settings) => append_peers::run(settings).await,
        Bench::EndToEnd(settings) => end_to_end::run(settings).await,
        Bench::Floor(settings) => end_to_end::serve_floor(settings).await,
        Bench::FanOut(settings) => fan_out::run(settings).await,
        Bench::Growth(settings) => growth::run(settings).await,
        Bench::Hostile { seconds } => {
            hostile::run(program()?.as_deref(), Duration::from_secs(seconds)).await
        }
        Bench::Memory(settings) => memory::run(settings).await,
        Bench::Project(settings) => project::run(settings).await,
        Bench::Query(settings) => query::run(settings).await,
        Bench::Relay(settings) => relay::run(settings).await,
        Bench::Shares { seconds } => {
            shares::run(&needed_program()?, Duration::from_secs(seconds)).await
        }
        Bench::Trace(Trace::Load(settings)) => trace_load::run(settings).await,
    }
}

fn needed_program() -> anyhow::Result<PathBuf> {
    program()?.context(
        "set CLUSTERGENIE_BENCH_PROGRAM to the program, such as target/release/clustergenie",
    )
}

/// The program to be measured, if the environment variable names one. The program is started in a folder of
/// its own.
fn program() -> anyhow::Result<Option<PathBuf>> {
    let program = std::env::var_os("CLUSTERGENIE_BENCH_PROGRAM");
    Ok(program.map(std::path::absolute).transpose()?)
}
