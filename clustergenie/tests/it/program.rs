//! The program under test: started as users start it, stopped and killed as they stop and kill it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use uuid::Uuid;

/// A directory for one test, removed at its end unless a process still writes to it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = env::temp_dir().join(format!("clustergenie-it-{}", unique()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The data directory for `up`.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, contents: &str) -> PathBuf {
        fs::write(self.path(name), contents).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The server of a failed test may still write to it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program with arguments, in a directory, without settings from the environment but one.
pub(crate) fn program<Argument: AsRef<std::ffi::OsStr>>(
    folder: &Folder,
    arguments: impl IntoIterator<Item = Argument>,
) -> Command {
    let mut command = command(env!("CARGO_BIN_EXE_clustergenie"), folder);
    command.args(arguments);
    command
}

/// Any program, in a directory, without settings of ours from the environment.
fn command(program: &str, folder: &Folder) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CLUSTERGENIE_") {
            command.env_remove(name);
        }
    }
    // No load balancer is in front, so that nothing is gained by waiting.
    command.env("CLUSTERGENIE_DRAIN_DELAY", "0s");
    command
}

/// Runs the program to its end.
pub(crate) async fn run(folder: &Folder, arguments: &[&str]) -> Output {
    program(folder, arguments).output().await.unwrap()
}

/// The standard output of a program, which must have succeeded.
pub(crate) fn printed(output: &Output) -> String {
    assert!(output.status.success(), "it failed: {}", said(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The standard error of a program.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running `clustergenie up` that is ready.
pub(crate) struct Up {
    child: Child,
    ready: Ready,
    data: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ready {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) database_url: String,
}

impl Up {
    /// Starts `up` on a free port.
    pub(crate) async fn start(folder: &Folder) -> Self {
        Self::start_with(folder, &["--listen", "127.0.0.1:0"]).await
    }

    /// Starts `up` with more settings than its data directory.
    pub(crate) async fn start_with<Setting: AsRef<std::ffi::OsStr>>(
        folder: &Folder,
        settings: &[Setting],
    ) -> Self {
        Self::start_by(folder, program(folder, ["up"]), settings).await
    }

    /// Starts `up` with at most so many file descriptors.
    pub(crate) async fn start_within<Setting: AsRef<std::ffi::OsStr>>(
        folder: &Folder,
        descriptors: usize,
        settings: &[Setting],
    ) -> Self {
        let mut command = command("sh", folder);
        let limited = format!("ulimit -n {descriptors} && exec \"$0\" up \"$@\"");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_clustergenie")]);
        Self::start_by(folder, command, settings).await
    }

    async fn start_by<Setting: AsRef<std::ffi::OsStr>>(
        folder: &Folder,
        mut up: Command,
        settings: &[Setting],
    ) -> Self {
        let (data, ready_file) = (folder.data(), folder.path("ready.json"));
        // Left by an earlier start.
        let _ = fs::remove_file(&ready_file);
        let log = fs::File::create(folder.path("up.log")).unwrap();
        let mut child = up
            .arg("--data")
            .arg(&data)
            .arg("--ready-file")
            .arg(&ready_file)
            .args(settings)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let ready = testkit::wait::until("the platform is ready", || {
            if let Some(status) = child.try_wait().unwrap() {
                let log = fs::read_to_string(folder.path("up.log")).unwrap();
                panic!("`up` ended with {status}:\n{log}");
            }
            let ready = fs::read(&ready_file).ok();
            async move { ready }
        })
        .await;
        Self {
            child,
            ready: serde_json::from_slice(&ready).unwrap(),
            data,
        }
    }

    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(self) -> std::process::ExitStatus {
        self.ask_to_stop();
        self.ended().await
    }

    /// Sends SIGTERM.
    pub(crate) fn ask_to_stop(&self) {
        signal(self.pid(), Signal::TERM);
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> std::process::ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// Kills it, as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// The process id of its Postgres.
    pub(crate) fn postgres(&self) -> u32 {
        let note = fs::read_to_string(self.data.join("postgres/postmaster.pid")).unwrap();
        note.lines().next().unwrap().trim().parse().unwrap()
    }

    /// Sends a GraphQL document with the first token and returns its data.
    pub(crate) async fn query(&self, document: &str) -> Value {
        query(&self.ready.url, &self.ready.token, document).await
    }
}

/// Sends a GraphQL document and returns its data.
pub(crate) async fn query(url: &str, token: &str, document: &str) -> Value {
    let response = reqwest::Client::new()
        .post(format!("{url}/graphql"))
        .bearer_auth(token)
        .json(&json!({ "query": document }))
        .send()
        .await
        .unwrap();
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Whether a process with this id runs. A zombie does not.
pub(crate) fn is_running(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| !state.trim_start().starts_with('Z'))
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are an edge: ids enter here"
)]
pub(crate) fn unique() -> String {
    Uuid::now_v7().simple().to_string()
}
