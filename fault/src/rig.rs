//! A whole run: starts the platform, loads it, injects faults, waits for quiescence, compares.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::api::Api;
use crate::console::{info, warn};
use crate::difference::Differences;
use crate::inject::Injector;
use crate::ledger::Ledger;
use crate::load::{Client, Reads, SharedResources};
use crate::options::Options;
use crate::plan::{self, Planned, Run};
use crate::platform::Platform;
use crate::quiescence::Progress;
use crate::random::Random;
use crate::report::Report;
use crate::servers::disk::Disk;
use crate::subscriber::{Filter, Subscriber, SubscriberLog};

const CLIENTS: usize = 16;
/// Timeout of readiness and of quiescence after the last fault.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// Interval of progress messages.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// The participants of a run.
pub(crate) struct Rig {
    pub(crate) platform: Arc<Platform>,
    pub(crate) api: Arc<Api>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) injector: Arc<Injector>,
    pub(crate) reads: Reads,
    pub(crate) subscriber_logs: Vec<Arc<SubscriberLog>>,
    pub(crate) differences: Differences,
    pub(crate) shared: SharedResources,
}

/// Executes the run and returns the report.
///
/// # Errors
/// When the run itself fails. Differences are no error.
pub(crate) async fn run(options: &Options) -> anyhow::Result<Report> {
    let (mode, run) = match options.relay_kills {
        Some(kills) => (format!("relay kills ({kills})"), Run::RelayKills(kills)),
        None if options.embedded => ("embedded".to_owned(), Run::Embedded),
        None => ("kafka".to_owned(), Run::Kafka),
    };
    let begun = Instant::now();
    let folder = &options.dir;
    let length = Duration::from_secs_f64(options.minutes * 60.0);
    let plan = plan::plan(options.seed, run, length);
    let written = json!({ "version": plan::VERSION, "seed": options.seed, "faults": plan });
    fs::write(folder.join("plan.json"), format!("{written:#}\n"))?;
    let disk = Disk::make(folder.join("disk"), disk_size(options.minutes))?;
    if !disk.can_be_filled() {
        warn(
            "MOUNTING IS NOT PERMITTED HERE: the disk of Postgres's data cannot be filled, and those faults are left out",
        );
    }
    info(&format!(
        "seed {}, {mode}: {} faults are planned; everything is in {}",
        options.seed,
        plan.len(),
        folder.display()
    ));
    let (platform, token) = Platform::start(options, folder, run, disk).await?;
    let rig = Rig::new(options, folder, Arc::new(platform), token, begun).await?;
    info("the platform is ready; the load starts");
    let outcome = rig.load_and_break(options.seed, plan).await;
    // After a failure, the files of the run must help to find the cause.
    let report = match outcome {
        Ok(mut followers) => {
            rig.run_final_checks(options, mode, begun, &mut followers)
                .await
        }
        Err(error) => Err(error),
    };
    let is_good = report
        .as_ref()
        .is_ok_and(|report| report.differences.is_empty());
    rig.platform.stop().await?;
    if !is_good {
        rig.platform.disk.keep(&folder.join("disk-kept"))?;
    }
    report
}

/// The size in MiB of the disk for a run of a number of minutes.
fn disk_size(minutes: f64) -> u64 {
    // Truncation does not matter here.
    768 + 128 * minutes as u64
}

impl Rig {
    async fn new(
        options: &Options,
        folder: &Path,
        platform: Arc<Platform>,
        token: String,
        begun: Instant,
    ) -> anyhow::Result<Self> {
        let api = Arc::new(Api::new(platform.api_urls(), token));
        let ledger = Arc::new(Ledger::new(&folder.join("commands.jsonl"), begun)?);
        let differences = Differences::default();
        let record = folder.join("faults.jsonl");
        let injector = Arc::new(Injector::new(
            Arc::clone(&platform),
            differences.clone(),
            &record,
        )?);
        let reads = Reads::new(Arc::clone(&api), differences.clone());
        let shared = SharedResources::create(&api, &ledger, options.seed).await?;
        let filters = Filter::all(shared.droplet.stream).into_iter().enumerate();
        let subscriber_logs = filters
            .map(|(number, filter)| SubscriberLog::new(folder, number, filter).map(Arc::new))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            platform,
            api,
            ledger,
            injector,
            reads,
            subscriber_logs,
            differences,
            shared,
        })
    }

    /// Runs clients and faults. Returns the tasks that keep running: subscribers, and supervisors of
    /// processes.
    async fn load_and_break(
        &self,
        seed: u64,
        plan: Vec<Planned>,
    ) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
        let mut followers = JoinSet::new();
        for (number, log) in self.subscriber_logs.iter().enumerate() {
            let subscriber = Subscriber::new(
                Arc::clone(&self.api),
                Random::of(seed, "subscriber", number),
                Arc::clone(log),
                &self.shared.token,
                self.differences.clone(),
            );
            followers.spawn(subscriber.listen());
        }
        for name in self.platform.all().map(|process| process.name().to_owned()) {
            let platform = Arc::clone(&self.platform);
            followers.spawn(async move {
                let process = platform.all().find(|process| process.name() == name);
                process.context("the process exists")?.supervise().await
            });
        }
        let (stop, stopped) = watch::channel(false);
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let shared = self.shared.ids();
            let wires = (Arc::clone(&self.api), Arc::clone(&self.ledger));
            let client = Client::new(number, seed, wires, self.reads.clone(), shared);
            clients.spawn(client.run(stopped.clone()));
        }
        tokio::select! {
            injected = Arc::clone(&self.injector).run(plan) => injected?,
            ended = followers.join_next() => bail!("a part of the rig ended: {ended:?}"),
            ended = clients.join_next() => bail!("a client ended: {ended:?}"),
            () = self.report_progress() => {}
        }
        info("the last fault is over; clients finish what they began");
        stop.send_replace(true);
        for process in self.platform.all() {
            process.start().await?;
        }
        let finishing = async {
            while let Some(ended) = clients.join_next().await {
                ended??;
            }
            anyhow::Ok(())
        };
        match timeout(PATIENCE, finishing).await {
            Ok(finished) => finished?,
            Err(_) => self.differences.note(
                "quiescence",
                format!(
                    "after {} s without faults there are commands without an answer",
                    PATIENCE.as_secs()
                ),
            ),
        }
        Ok(followers)
    }

    /// Prints the progress periodically. Never returns.
    async fn report_progress(&self) {
        let mut ticks = interval(PROGRESS_INTERVAL);
        loop {
            ticks.tick().await;
            let (acknowledged, refused, unknown) = self.ledger.tally();
            let faults: u64 = self
                .injector
                .counts()
                .values()
                .map(|count| count.injected)
                .sum();
            let lag = match Progress::fetch(&self.platform.address).await {
                Ok(progress) => format!(
                    "{} events, {} without a position",
                    progress.events, progress.unsequenced
                ),
                Err(_) => "the database does not answer".to_owned(),
            };
            info(&format!(
                "{:>5} s  {faults:>4} faults  {acknowledged:>6} commands done, {refused} refused, \
                 {unknown} open or unknown  {lag}",
                self.ledger.now() / 1_000_000
            ));
        }
    }
}
