//! The platform under test with its servers, started as operators start it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Client;
use rustix::process::Signal;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::exits::AllowedExit;
use crate::faults::{Role, Target};
use crate::options::Options;
use crate::plan::Run;
use crate::process::{Process, Spec};
use crate::servers::disk::Disk;
use crate::servers::free_port;
use crate::servers::kafka::{self, Kafka};
use crate::servers::postgres::{self, Address};

/// Timeout of the first readiness, also on a slow machine.
const START_TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The organization of all clients, which is that of the first token of `up`.
pub(crate) const ORG: &str = "demo";
/// Settings of more points than the clients can spend, because the rate limit is not under test.
const POINTS: [&str; 4] = [
    "--points=100000000",
    "--points-per-second=10000000",
    "--agent-points=100000000",
    "--agent-points-per-second=10000000",
];

/// All processes of a run.
#[derive(Debug)]
pub(crate) struct Platform {
    program: PathBuf,
    folder: PathBuf,
    /// The processes of the platform itself, each with its address.
    pub(crate) processes: BTreeMap<Target, (Process, String)>,
    /// The rig's Postgres, unless the platform has a private one.
    pub(crate) postgres: Option<Process>,
    pub(crate) kafka: Option<Kafka>,
    pub(crate) address: Address,
    /// The data directory of Postgres.
    pub(crate) postgres_data: PathBuf,
    /// The disk, dropped last, after its users.
    pub(crate) disk: Disk,
}

impl Platform {
    /// Starts all servers and processes, and waits for readiness. Returns the platform and a token for
    /// clients.
    ///
    /// # Errors
    /// When a server or a process does not start.
    pub(crate) async fn start(
        options: &Options,
        folder: &Path,
        run: Run,
        disk: Disk,
    ) -> anyhow::Result<(Self, String)> {
        match run {
            Run::Embedded => Self::start_embedded(options, folder, disk).await,
            Run::Kafka | Run::RelayKills(_) => Self::start_distributed(options, folder, disk).await,
        }
    }

    async fn start_distributed(
        options: &Options,
        folder: &Path,
        disk: Disk,
    ) -> anyhow::Result<(Self, String)> {
        let (postgres, address) = postgres::make(folder, &disk, &options.postgres_bin).await?;
        let (Some(libs), Some(settings)) = (&options.kafka_libs, &options.kafka_settings) else {
            bail!("Kafka is needed: --kafka-libs and --kafka-settings");
        };
        let kafka = Kafka::make(folder, libs, settings).await?;
        postgres.start().await?;
        kafka.process.start().await?;
        let key = folder.join("key");
        fs::write(&key, "a-key-for-one-run-of-the-fault-rig\n")?;
        let postgres_data = disk.path().join("postgres");
        let mut platform = Self {
            program: options.program.clone(),
            folder: folder.to_owned(),
            processes: BTreeMap::new(),
            postgres: Some(postgres),
            kafka: Some(kafka),
            address,
            postgres_data,
            disk,
        };
        let url = platform.address.url()?;
        let key = key.display().to_string();
        platform.run(&["migrate", "--database-url", &url]).await?;
        if let Some(kafka) = &platform.kafka {
            kafka.until_it_serves().await?;
        }
        let token = [
            "token",
            "--key-file",
            &key,
            "--org",
            ORG,
            "--role",
            "admin",
            "--role",
            "agent",
        ];
        let token = platform.run(&token).await?.trim().to_owned();
        for (role, count) in Role::DISTRIBUTED {
            for number in 0..count {
                let target = Target { role, number };
                platform.add(target, &url, &key)?;
            }
        }
        for (process, _) in platform.processes.values() {
            process.start().await?;
        }
        platform.until_ready(START_TIMEOUT).await?;
        Ok((platform, token))
    }

    async fn start_embedded(
        options: &Options,
        folder: &Path,
        disk: Disk,
    ) -> anyhow::Result<(Self, String)> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let ready = folder.join("ready.json");
        let data = disk.path().join("data");
        let mut arguments = vec![
            "up".to_owned(),
            format!("--data={}", data.display()),
            format!("--ready-file={}", ready.display()),
            format!("--listen={listen}"),
            format!("--postgres-bin={}", options.postgres_bin.display()),
        ];
        arguments.extend(provider_settings().chain(POINTS).map(str::to_owned));
        let target = Target {
            role: Role::Up,
            number: 0,
        };
        let mut platform = Self {
            program: options.program.clone(),
            folder: folder.to_owned(),
            processes: BTreeMap::new(),
            postgres: None,
            kafka: None,
            address: Address::ReadyFile(ready.clone()),
            postgres_data: data.join("postgres"),
            disk,
        };
        let process = Process::new(platform.spec(target, arguments));
        process.start().await?;
        platform
            .processes
            .insert(target, (process, format!("http://{listen}")));
        let begun = Instant::now();
        let token = loop {
            if let Ok(ready) = fs::read(&ready) {
                let ready: Value = serde_json::from_slice(&ready)?;
                let token = ready["token"].as_str().context("`up` gives no token")?;
                break token.to_owned();
            }
            anyhow::ensure!(
                begun.elapsed() < START_TIMEOUT,
                "`up` does not serve: see up-0.log"
            );
            sleep(POLL_INTERVAL).await;
        };
        Ok((platform, token))
    }

    fn add(&mut self, target: Target, url: &str, key: &str) -> anyhow::Result<()> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let mut arguments = vec![
            target.role.as_str().to_owned(),
            format!("--database-url={url}"),
        ];
        match target.role {
            Role::Api => {
                arguments.extend([
                    format!("--listen={listen}"),
                    "--metrics-listen=127.0.0.1:0".to_owned(),
                    format!("--jwt-key-file={key}"),
                ]);
                arguments.extend(POINTS.map(str::to_owned));
            }
            Role::Relay | Role::Project | Role::Work => {
                let brokers = self.kafka.as_ref().map(|kafka| kafka.brokers.clone());
                arguments.extend([
                    format!("--metrics-listen={listen}"),
                    format!("--kafka={}", brokers.unwrap_or_default()),
                    format!("--kafka-prefix={}", kafka::PREFIX),
                ]);
                if target.role == Role::Work {
                    arguments.extend(provider_settings().map(str::to_owned));
                }
            }
            Role::Up => {}
        }
        let process = Process::new(self.spec(target, arguments));
        self.processes
            .insert(target, (process, format!("http://{listen}")));
        Ok(())
    }

    fn spec(&self, target: Target, arguments: Vec<String>) -> Spec {
        Spec {
            name: target.to_string(),
            program: self.program.clone(),
            arguments,
            folder: self.folder.clone(),
            log: self.folder.join(format!("{target}.log")),
            owner: None,
            allowed_exit: match target.role {
                Role::Up => AllowedExit::WithItsPostgres,
                Role::Api | Role::Relay | Role::Project | Role::Work => {
                    AllowedExit::WithoutDatabaseAtStart
                }
            },
            stop: Signal::TERM,
            parent_death_signal: "KILL",
        }
    }

    /// The addresses of the processes that serve the API.
    pub(crate) fn api_urls(&self) -> Vec<String> {
        let serves = |target: &Target| matches!(target.role, Role::Api | Role::Up);
        let processes = self.processes.iter().filter(|(target, _)| serves(target));
        processes.map(|(_, (_, url))| url.clone()).collect()
    }

    /// All processes, servers first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Process> {
        let kafka = self.kafka.as_ref().map(|kafka| &kafka.process);
        let ours = self.processes.values().map(|(process, _)| process);
        self.postgres.iter().chain(kafka).chain(ours)
    }

    /// Waits until every process is ready.
    ///
    /// # Errors
    /// When a process is not ready in time. The error names it and the answer of its `/readyz`.
    pub(crate) async fn until_ready(&self, patience: Duration) -> anyhow::Result<()> {
        let client = Client::builder().timeout(Duration::from_secs(5)).build()?;
        let begun = Instant::now();
        for (target, (_, url)) in &self.processes {
            loop {
                let asked = client.get(format!("{url}/readyz")).send().await;
                let said = match asked {
                    Ok(answer) if answer.status().is_success() => break,
                    Ok(answer) => answer.text().await.unwrap_or_default(),
                    Err(error) => error.to_string(),
                };
                if begun.elapsed() > patience {
                    bail!(
                        "{target} is not ready after {} s: {said}",
                        patience.as_secs()
                    );
                }
                sleep(POLL_INTERVAL).await;
            }
        }
        Ok(())
    }

    /// Runs the program with other arguments and returns its standard output.
    ///
    /// # Errors
    /// When the program fails, with its standard error.
    pub(crate) async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.output(arguments).await?;
        anyhow::ensure!(
            output.status.success(),
            "`{}` failed: {}",
            arguments[0],
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs the program with other arguments and returns its output, also when the program fails.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) async fn output(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let output = Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .kill_on_drop(true)
            .output()
            .await?;
        Ok(output)
    }

    /// Stops all processes in order: the platform's before their servers.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        let processes: Vec<_> = self.all().collect();
        for process in processes.into_iter().rev() {
            process.stop().await?;
        }
        Ok(())
    }
}

/// Settings of a fast provider that sometimes fails.
fn provider_settings() -> impl Iterator<Item = &'static str> {
    ["--step-delay=20ms", "--failure-rate=0.05", "--workers=4"].into_iter()
}
