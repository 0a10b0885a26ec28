//! Micro-benchmarks of the pure code on the paths of a command, of an event and of a request. `./dev bench micro` runs them.

mod codec;
mod documents;
mod droplet;

use criterion::{criterion_group, criterion_main};

criterion_group!(micro, droplet::measure, codec::measure, documents::measure);
criterion_main!(micro);
