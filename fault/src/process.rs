//! One process that the rig runs: started, killed, paused and started again, and never left behind.
//!
//! Whatever ends the rig, also `kill -9`, ends its processes: the kernel is asked for that through
//! `setpriv`, where there is one. The kernel watches the thread that started a process, which is why the
//! rig has only one.

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

use crate::exits::{MayEnd, last_words};

/// How long a process may take to stop in order.
const ORDERLY_STOP: Duration = Duration::from_secs(30);
/// How often it is looked whether a process has ended by itself.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How long a process that ended by itself stays down, as an operator's supervisor would have it.
const RESTART_AFTER: Duration = Duration::from_millis(500);

/// How a process is started.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// What it is called in messages and the name of its log.
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Its working directory.
    pub(crate) folder: PathBuf,
    /// Gets everything that it writes, appended.
    pub(crate) log: PathBuf,
    /// The user and group that it runs as, when not as we do.
    pub(crate) owner: Option<(u32, u32)>,
    /// When it may end without being told to.
    pub(crate) may_end: MayEnd,
    /// What ends it in order.
    pub(crate) stop: Signal,
    /// What the kernel sends it when we end.
    pub(crate) farewell: &'static str,
}

/// A process, whether it runs at the moment or not.
#[derive(Debug)]
pub(crate) struct Process {
    spec: Spec,
    /// `None` while it is down on purpose.
    child: Mutex<Option<Child>>,
    /// Of the child that runs; 0 when none does.
    pid: AtomicI32,
    /// How long its log was when it was started the last time.
    logged_before: AtomicU64,
    ended_by_itself: AtomicU64,
    unexplained_ends: StdMutex<Vec<String>>,
}

impl Process {
    /// A process that is not started yet.
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

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    /// How often it ended without being told to.
    pub(crate) fn ended_by_itself(&self) -> u64 {
        self.ended_by_itself.load(Ordering::Relaxed)
    }

    /// Of these ends those that it should not have come to, in words.
    pub(crate) fn unexplained_ends(&self) -> Vec<String> {
        let ends = self.unexplained_ends.lock();
        ends.expect("no holder panics").clone()
    }

    /// Its number, while it runs.
    pub(crate) fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.pid.load(Ordering::Relaxed))
    }

    /// Starts it, unless it runs.
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

    /// Ends it by a signal, or by force when it does not, and waits until it has ended; it stays down. Says
    /// whether it ran.
    ///
    /// # Errors
    /// When it cannot be waited for.
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
            if timeout(ORDERLY_STOP, running.wait()).await.is_err() {
                running.kill().await?;
            }
        }
        self.pid.store(0, Ordering::Relaxed);
        Ok(ended.is_none())
    }

    /// Ends it in order, or by force when that takes too long.
    ///
    /// # Errors
    /// As [`Process::end`].
    pub(crate) async fn stop(&self) -> anyhow::Result<bool> {
        self.end(self.spec.stop).await
    }

    /// Makes it stand still; gives what makes it go on, or nothing when it does not run.
    pub(crate) fn pause(&self) -> Option<Paused<'_>> {
        let pid = self.pid()?;
        kill_process(pid, Signal::STOP).ok()?;
        Some(Paused { process: self, pid })
    }

    /// Starts it again whenever it ends without being told to. Never returns.
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
            sleep(RESTART_AFTER).await;
            *child = Some(self.spawn()?);
        }
    }

    /// It ended without being told to.
    fn note_end(&self, status: ExitStatus) {
        self.ended_by_itself.fetch_add(1, Ordering::Relaxed);
        let said = self.said().unwrap_or_default();
        if !self.spec.may_end.explains(status, &said) {
            let what = match last_words(&said) {
                "" => format!("{} ended by itself with {status}: see its log", self.name()),
                words => format!("{} ended by itself with {status}: {words}", self.name()),
            };
            let mut ends = self.unexplained_ends.lock().expect("no holder panics");
            ends.push(what);
        }
    }

    /// What it wrote since it was started the last time.
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

/// A process that stands still.
#[derive(Debug)]
pub(crate) struct Paused<'a> {
    process: &'a Process,
    pid: Pid,
}

impl Drop for Paused<'_> {
    /// Makes it go on, unless it has been killed since.
    fn drop(&mut self) {
        if self.process.pid() == Some(self.pid) {
            let _ = kill_process(self.pid, Signal::CONT);
        }
    }
}

impl Spec {
    /// The command, through `setpriv` where there is one.
    pub(crate) fn command(&self) -> anyhow::Result<Command> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("{} cannot be written", self.log.display()))?;
        let mut command = match on_path("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command
                    .args(["--pdeathsig", self.farewell, "--"])
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

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it fails; then its log says why.
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

/// Waits until a process that is not our child is gone.
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

/// Where a program is.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
