//! A process of the rig, which the rig can start, kill, pause and restart, and which never outlives the rig.
//!
//! The end of the rig, also by `kill -9`, ends its processes: `setpriv`, if it is installed, asks the kernel
//! for that. The kernel watches the thread that started a process, which is why the rig has only one.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::exits::{AllowedExit, final_error};

/// Timeout of an orderly stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Poll interval for processes that ended by themselves.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Delay before a process that ended by itself is restarted, as by a supervisor.
const RESTART_DELAY: Duration = Duration::from_millis(500);

/// The specification of a process.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// The name in messages and of the log file.
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// The working directory.
    pub(crate) folder: PathBuf,
    /// The file to which the output is appended.
    pub(crate) log: PathBuf,
    /// The user and group that run it; `None` for the current user.
    pub(crate) owner: Option<(u32, u32)>,
    /// The circumstances in which the process may exit by itself.
    pub(crate) allowed_exit: AllowedExit,
    /// The signal of an orderly stop.
    pub(crate) stop: Signal,
    /// The signal that the kernel sends when the rig ends.
    pub(crate) parent_death_signal: &'static str,
}

/// A process, running or not.
#[derive(Debug)]
pub(crate) struct Process {
    spec: Spec,
    /// The child process; `None` while it is stopped on purpose.
    child: Mutex<Option<Child>>,
    /// The process id of the running child; 0 if none runs.
    pid: AtomicI32,
    /// The length of the log at the last start.
    logged_before: AtomicU64,
    ended_by_itself: AtomicU64,
    unexplained_ends: StdMutex<Vec<String>>,
}

impl Process {
    /// Creates a process that is not started.
    pub(crate) fn new(spec: Spec) -> Self {
        Self {
            spec,
            child: Mutex::new(None),
            pid: AtomicI32::new(0),
            logged_before: AtomicU64::new(0),
            ended_by_itself: AtomicU64::new(0),
            unexplained_ends: StdMutex::default(),
        }
    }

    /// The name of the process.
    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    /// Number of exits without a request of the rig.
    pub(crate) fn ended_by_itself(&self) -> u64 {
        self.ended_by_itself.load(Ordering::Relaxed)
    }

    /// The exits that are neither requested nor allowed, in words.
    pub(crate) fn unexplained_ends(&self) -> Vec<String> {
        let ends = self.unexplained_ends.lock();
        ends.expect("no holder panics").clone()
    }

    /// The process id of the running process.
    pub(crate) fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.pid.load(Ordering::Relaxed))
    }

    /// Starts the process unless it runs.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) async fn start(&self) -> anyhow::Result<()> {
        let mut child = self.child.lock().await;
        if child.is_none() {
            *child = Some(self.spawn()?);
        }
        Ok(())
    }

    /// Ends the process by a signal, or by force after a timeout, and waits for its end. Supervision does not
    /// restart it. Returns true if it ran.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub(crate) async fn end(&self, signal: Signal) -> anyhow::Result<bool> {
        let mut child = self.child.lock().await;
        let Some(mut running) = child.take() else {
            return Ok(false);
        };
        let ended = running.try_wait()?;
        if let Some(status) = ended {
            self.note_end(status);
        } else if let Some(pid) = self.pid() {
            // It may end at this moment, which is what the signal is for.
            let _ = kill_process(pid, signal);
            if timeout(STOP_TIMEOUT, running.wait()).await.is_err() {
                running.kill().await?;
            }
        }
        self.pid.store(0, Ordering::Relaxed);
        Ok(ended.is_none())
    }

    /// Ends the process in order, or by force after a timeout.
    ///
    /// # Errors
    /// Those of [`Process::end`].
    pub(crate) async fn stop(&self) -> anyhow::Result<bool> {
        self.end(self.spec.stop).await
    }

    /// Pauses the process by SIGSTOP. Returns a guard that resumes it, or `None` if it does not run.
    pub(crate) fn pause(&self) -> Option<Paused<'_>> {
        let pid = self.pid()?;
        kill_process(pid, Signal::STOP).ok()?;
        Some(Paused { process: self, pid })
    }

    /// Restarts the process whenever it ends without a request of the rig. Never returns.
    pub(crate) async fn supervise(&self) -> anyhow::Result<()> {
        loop {
            sleep(POLL_INTERVAL).await;
            let mut child = self.child.lock().await;
            let Some(running) = child.as_mut() else {
                continue;
            };
            let Some(status) = running.try_wait()? else {
                continue;
            };
            self.pid.store(0, Ordering::Relaxed);
            self.note_end(status);
            sleep(RESTART_DELAY).await;
            *child = Some(self.spawn()?);
        }
    }

    /// Records an unrequested exit.
    fn note_end(&self, status: ExitStatus) {
        self.ended_by_itself.fetch_add(1, Ordering::Relaxed);
        let said = self.said().unwrap_or_default();
        if !self.spec.allowed_exit.explains(status, &said) {
            let what = match final_error(&said) {
                "" => format!("{} ended by itself with {status}: see its log", self.name()),
                words => format!("{} ended by itself with {status}: {words}", self.name()),
            };
            let mut ends = self.unexplained_ends.lock().expect("no holder panics");
            ends.push(what);
        }
    }

    /// The log since the last start.
    fn said(&self) -> std::io::Result<String> {
        let mut log = File::open(&self.spec.log)?;
        log.seek(SeekFrom::Start(self.logged_before.load(Ordering::Relaxed)))?;
        let mut said = Vec::new();
        log.read_to_end(&mut said)?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let logged = fs::metadata(&self.spec.log).map_or(0, |metadata| metadata.len());
        self.logged_before.store(logged, Ordering::Relaxed);
        let child = self.spec.command()?.spawn();
        let child = child.with_context(|| format!("{} cannot be started", self.spec.name))?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        self.pid.store(pid.unwrap_or(0), Ordering::Relaxed);
        Ok(child)
    }
}

/// A guard of a paused process.
#[derive(Debug)]
pub(crate) struct Paused<'a> {
    process: &'a Process,
    pid: Pid,
}

impl Drop for Paused<'_> {
    /// Resumes the process, unless it has been killed since.
    fn drop(&mut self) {
        if self.process.pid() == Some(self.pid) {
            let _ = kill_process(self.pid, Signal::CONT);
        }
    }
}

impl Spec {
    /// The command, through `setpriv` if it is installed.
    pub(crate) fn command(&self) -> anyhow::Result<Command> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("{} cannot be written", self.log.display()))?;
        let mut command = match on_path("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command
                    .args(["--pdeathsig", self.parent_death_signal, "--"])
                    .arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        for (name, _) in env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("CLUSTERGENIE_") || name_text.starts_with("PG") {
                command.env_remove(name);
            }
        }
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        Ok(command)
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// When the program fails; its log has the reason.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        let status = self.command()?.status().await;
        let status = status.with_context(|| format!("{} cannot be started", self.name))?;
        anyhow::ensure!(
            status.success(),
            "{} ended with {status}: see {}",
            self.name,
            self.log.display()
        );
        Ok(())
    }
}

/// Waits for the end of a process that is not a child of the rig. Returns false after `patience`.
pub(crate) async fn until_gone(pid: Pid, patience: Duration) -> bool {
    let begun = Instant::now();
    while test_kill_process(pid).is_ok() {
        if begun.elapsed() > patience {
            return false;
        }
        sleep(POLL_INTERVAL).await;
    }
    true
}

/// The path of a program in `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
