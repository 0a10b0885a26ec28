//! The measured program, started, killed and restarted as users do it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, ensure};
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::resident;

/// Timeout of the start of the program.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A running `clustergenie up` with its own data directory.
pub(crate) struct Platform {
    program: PathBuf,
    folder: PathBuf,
    /// Flags besides those that every platform has.
    flags: Vec<String>,
    port: u16,
    /// The port of probes.
    probes: u16,
    child: Child,
    ready: Value,
    client: Client,
    /// Peak memory of the processes that were killed.
    peak_before: u64,
}

/// A droplet that receives events.
pub(crate) struct Droplet {
    pub(crate) id: String,
    /// The header that authorizes its requests.
    pub(crate) authorization: String,
    /// The consistency token of the droplet's request.
    pub(crate) token: String,
}

impl Platform {
    /// Starts the program on a free port and waits until it serves.
    pub(crate) async fn start(program: &Path) -> anyhow::Result<Self> {
        Self::start_with(program, &[]).await
    }

    /// Starts the program with more flags.
    pub(crate) async fn start_with(program: &Path, flags: &[String]) -> anyhow::Result<Self> {
        let (port, probes) = (free_port()?, free_port()?);
        let folder = format!("clustergenie-bench-{}-{port}", std::process::id());
        let folder = env::temp_dir().join(folder);
        fs::create_dir(&folder).with_context(|| format!("{} is taken", folder.display()))?;
        let mut child = spawn(program, &folder, port, probes, flags)?;
        let ready = until_ready(&folder, &mut child).await?;
        Ok(Self {
            program: program.to_owned(),
            folder,
            flags: flags.to_vec(),
            port,
            probes,
            child,
            ready,
            client: Client::new(),
            peak_before: 0,
        })
    }

    /// Returns the flags of a platform whose clients have all the points that they need.
    pub(crate) fn without_points() -> Vec<String> {
        let plenty = u32::MAX;
        ["points", "points-per-second"]
            .map(|flag| format!("--{flag}={plenty}"))
            .to_vec()
    }

    /// Kills the program as `kill -9` does, restarts it on the same port, and waits until it serves.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.peak_before = self.peak_memory_mib()?;
        self.child.kill().await?;
        fs::remove_file(self.folder.join("ready.json"))?;
        self.child = spawn(
            &self.program,
            &self.folder,
            self.port,
            self.probes,
            &self.flags,
        )?;
        self.ready = until_ready(&self.folder, &mut self.child).await?;
        Ok(())
    }

    /// Stops the program in order and removes its data.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        kill_process(self.pid()?, Signal::TERM)?;
        self.child.wait().await?;
        fs::remove_dir_all(&self.folder)?;
        Ok(())
    }

    /// The address for WebSockets.
    pub(crate) fn websocket_url(&self) -> String {
        format!("ws://127.0.0.1:{}/graphql", self.port)
    }

    /// The header that authorizes a request.
    pub(crate) fn authorization(&self) -> String {
        format!(
            "Bearer {}",
            self.ready["token"].as_str().unwrap_or_default()
        )
    }

    /// The file with the key of tokens.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.join("data/jwt.key")
    }

    /// The address for HTTP.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/graphql", self.port)
    }

    /// The address that clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The address of the readiness, where clients take no places.
    pub(crate) fn readiness_url(&self) -> String {
        format!("http://127.0.0.1:{}/readyz", self.probes)
    }

    /// A token of an organization with a role, for a subject.
    pub(crate) async fn token_of(
        &self,
        org: &str,
        role: &str,
        subject: &str,
    ) -> anyhow::Result<String> {
        let output = command(&self.program, &self.folder)
            .args(["token", "--data", "data", "--org", org, "--role", role])
            .args(["--subject", subject])
            .output()
            .await?;
        ensure!(output.status.success(), "no token is given");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// The URL of the program's database, with the owner.
    pub(crate) fn database_url(&self) -> &str {
        self.ready["databaseUrl"].as_str().unwrap_or_default()
    }

    /// Provisions a droplet that gets no events on its own.
    pub(crate) async fn provision(&self, name: &str) -> anyhow::Result<Droplet> {
        provision(&self.client, &self.url(), &self.authorization(), name).await
    }

    /// Provisions a droplet of an organization that gets no events on its own.
    pub(crate) async fn provision_in(&self, org: &str, name: &str) -> anyhow::Result<Droplet> {
        let authorization = format!("Bearer {}", self.token_of(org, "operator", "bench").await?);
        provision(&self.client, &self.url(), &authorization, name).await
    }

    /// Tags the droplet and returns its new version.
    pub(crate) async fn tag(&self, droplet: &Droplet, tag: &str) -> anyhow::Result<u64> {
        self.change(droplet, "tagDroplet", tag).await
    }

    /// Removes a tag of the droplet and returns its new version.
    pub(crate) async fn untag(&self, droplet: &Droplet, tag: &str) -> anyhow::Result<u64> {
        self.change(droplet, "untagDroplet", tag).await
    }

    async fn change(&self, droplet: &Droplet, field: &str, tag: &str) -> anyhow::Result<u64> {
        let input = json!({ "id": droplet.id, "tag": tag });
        let authorization = &droplet.authorization;
        let payload = mutate(&self.client, &self.url(), authorization, field, input).await?;
        let version = payload["droplet"]["version"].as_str().unwrap_or_default();
        Ok(version.parse()?)
    }

    /// The present memory of the program's process, without its Postgres.
    pub(crate) fn memory_mib(&self) -> anyhow::Result<u64> {
        Ok(resident::resident_kib(self.process()?)? / 1024)
    }

    /// The peak memory of the program's processes, including those that were killed.
    pub(crate) fn peak_memory_mib(&self) -> anyhow::Result<u64> {
        let peak = resident::peak_kib(self.process()?)? / 1024;
        Ok(peak.max(self.peak_before))
    }

    /// The id of the program's process.
    pub(crate) fn process(&self) -> anyhow::Result<u32> {
        self.child.id().context("the program has ended")
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        Pid::from_raw(self.process()?.try_into()?).context("a process has a number")
    }
}

/// Provisions a droplet that gets no events on its own, through the API at a URL.
///
/// # Errors
/// When the platform refuses it.
pub(crate) async fn provision(
    client: &Client,
    url: &str,
    authorization: &str,
    name: &str,
) -> anyhow::Result<Droplet> {
    let input = json!({
        "name": name, "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
        "provisioner": "AGENT",
    });
    let payload = mutate(client, url, authorization, "provisionDroplet", input).await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(Droplet {
        id: text(&payload["droplet"]["id"]),
        authorization: authorization.to_owned(),
        token: text(&payload["consistencyToken"]),
    })
}

async fn mutate(
    client: &Client,
    url: &str,
    authorization: &str,
    field: &str,
    input: Value,
) -> anyhow::Result<Value> {
    let (first, rest) = field.split_at(1);
    let kind = first.to_ascii_uppercase() + rest;
    let query = format!(
        "mutation ($input: {kind}Input!) {{ {field}(input: $input) {{ \
         droplet {{ id version }} consistencyToken userErrors {{ message }} }} }}"
    );
    let request = client.post(url).header("authorization", authorization);
    let request = request.json(&json!({ "query": query, "variables": { "input": input } }));
    let mut answer: Value = request.send().await?.json().await?;
    let payload = answer["data"][field].take();
    ensure!(
        payload["consistencyToken"].is_string(),
        "{field} is refused: {answer} {payload}"
    );
    Ok(payload)
}

/// The program's command in a directory, without settings from the environment.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = without_settings(program);
    command.current_dir(folder);
    command
}

/// The program's command without settings from the environment.
pub(crate) fn without_settings(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CLUSTERGENIE_") {
            command.env_remove(name);
        }
    }
    command
}

fn spawn(
    program: &Path,
    folder: &Path,
    port: u16,
    probes: u16,
    flags: &[String],
) -> anyhow::Result<Child> {
    let log = fs::File::create(folder.join("up.log"))?;
    command(program, folder)
        .args([
            "up",
            "--data",
            "data",
            "--ready-file",
            "ready.json",
            "--listen",
        ])
        .arg(format!("127.0.0.1:{port}"))
        .arg(format!("--metrics-listen=127.0.0.1:{probes}"))
        // More of our connections come from one address than of any client.
        .arg("--trusted-proxy=127.0.0.1")
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))
}

/// Returns a port that nobody uses.
///
/// # Errors
/// When there is none.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

async fn until_ready(folder: &Path, child: &mut Child) -> anyhow::Result<Value> {
    let begun = Instant::now();
    loop {
        if let Ok(ready) = fs::read(folder.join("ready.json")) {
            return Ok(serde_json::from_slice(&ready)?);
        }
        let log = folder.join("up.log");
        let ended = child.try_wait()?;
        ensure!(ended.is_none(), "the program ended: see {}", log.display());
        ensure!(
            begun.elapsed() < PATIENCE,
            "the program does not serve: see {}",
            log.display()
        );
        sleep(POLL_INTERVAL).await;
    }
}
