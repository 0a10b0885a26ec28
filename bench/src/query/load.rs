//! Sends requests over some connections for some time. Each connection sends the next request as soon as the last
//! one is answered.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep_until};

use super::check::Check;
use super::random::Random;
use super::report::Measured;
use super::side::{Call, Side};
use crate::http::Connection;
use crate::latencies::percentile;
use crate::usage::{Processes, Usage};

/// The number of answers of which one is checked in full.
const CHECKED: usize = 100;

/// The number of answers that tell the usual size.
const SAMPLES: usize = 20;

/// The parameters of a run.
pub(super) struct Run<'run> {
    pub(super) side: &'run Side,
    pub(super) call: &'run Call,
    pub(super) check: Check<'run>,
    pub(super) postgres: Processes,
    pub(super) connections: u16,
    pub(super) warm_up: Duration,
    pub(super) length: Duration,
    /// The seed of random arguments.
    pub(super) seed: u64,
}

/// The time that counts.
#[derive(Clone, Copy)]
struct Window {
    begin: Instant,
    end: Instant,
}

impl Run<'_> {
    /// Runs and measures.
    ///
    /// # Errors
    /// When a connection ends or an answer is wrong.
    pub(super) async fn measure(&self) -> anyhow::Result<Measured> {
        let sizes = self.usual_sizes().await?;
        let begin = Instant::now() + self.warm_up;
        let window = Window {
            begin,
            end: begin + self.length,
        };
        let senders = (0..self.connections).map(|number| self.send(number, window, &sizes));
        let usage = async {
            let so_far = || Usage::so_far(Some(self.side.process), self.postgres);
            sleep_until(window.begin).await;
            let before = so_far()?;
            sleep_until(window.end).await;
            anyhow::Ok(so_far()?.since(before))
        };
        let (times, usage) = tokio::join!(try_join_all(senders), usage);
        let usage = usage?;
        let mut times = times
            .with_context(|| format!("{} failed", self.side.name))?
            .concat();
        times.sort_unstable();
        let count = times.len().max(1) as f64;
        Ok(Measured {
            per_second: times.len() as f64 / self.length.as_secs_f64(),
            p50: percentile(&times, 50),
            p99: Some(percentile(&times, 99)),
            server_micros: Some(usage.server.as_secs_f64() * 1e6 / count),
            postgres_micros: usage.postgres.as_secs_f64() * 1e6 / count,
            others_percent: usage.others_percent(self.length),
        })
    }

    /// The sizes that answers may have, from some that are checked in full.
    async fn usual_sizes(&self) -> anyhow::Result<RangeInclusive<usize>> {
        let mut random = Random::new(self.seed);
        let mut connection = Connection::open(self.side.address).await?;
        let mut request = String::new();
        let (mut least, mut most) = (usize::MAX, 0);
        for _ in 0..SAMPLES {
            let choice = random.below(self.side.choices());
            self.side.write(self.call, choice, &mut request);
            let answer = connection.exchange(request.as_bytes()).await?;
            self.check.full(choice, answer.body)?;
            least = least.min(answer.body.len());
            most = most.max(answer.body.len());
        }
        Ok(least / 2..=most * 2)
    }

    /// Sends requests until the end, and returns the durations of those that ended in the window.
    async fn send(
        &self,
        number: u16,
        window: Window,
        sizes: &RangeInclusive<usize>,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut random = Random::new(self.seed ^ (u64::from(number) + 1) << 32);
        let mut connection = Connection::open(self.side.address).await?;
        let mut request = String::new();
        let mut times = Vec::new();
        for sent in 1.. {
            let choice = random.below(self.side.choices());
            self.side.write(self.call, choice, &mut request);
            let started = Instant::now();
            let answer = connection.exchange(request.as_bytes()).await?;
            let ended = Instant::now();
            self.check.quick(&answer, sizes)?;
            if sent % CHECKED == 0 {
                self.check.full(choice, answer.body)?;
            }
            if ended >= window.end {
                break;
            }
            if ended >= window.begin {
                times.push(ended - started);
            }
        }
        Ok(times)
    }
}
