//! A child process that never outlives this process, even when this process is killed.
//!
//! The kernel signals the child when the *thread* that started it ends. So each child has a thread of its
//! own, which starts the child and waits for it. That thread ends only after the child, or with the whole
//! process.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal,
};
use tokio::sync::{oneshot, watch};

/// A running child process, or one that has ended.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pid: Pid,
    ended: watch::Receiver<Option<Arc<io::Result<ExitStatus>>>>,
}

impl Child {
    /// Starts a command. If this process ends without stopping the child, the kernel sends the child
    /// `SIGINT`. A Postgres server then ends all sessions, writes a checkpoint and stops.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(super) async fn start(mut command: Command) -> anyhow::Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        // A Ctrl-C of the terminal goes to our process group; the child waits until we stop it.
        command.process_group(0);
        dies_with_us(&mut command);
        let (started, starting) = oneshot::channel();
        let (tell_end, ended) = watch::channel(None);
        thread::Builder::new()
            .name("keeps-child".to_owned())
            .spawn(move || match command.spawn() {
                Ok(mut child) => {
                    // Nobody may be listening any more; the child must be waited for all the same.
                    let _ = started.send(Ok(Pid::from_child(&child)));
                    tell_end.send_replace(Some(Arc::new(child.wait())));
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            })
            .context("no thread could be started")?;
        let pid = starting
            .await
            .context("the thread that starts a program ended")?
            .with_context(|| format!("{program} cannot be started"))?;
        Ok(Self { pid, ended })
    }

    /// Waits until the process has ended.
    ///
    /// # Errors
    /// When the wait for the process fails.
    pub(super) async fn ended(&self) -> anyhow::Result<ExitStatus> {
        let mut ended = self.ended.clone();
        let status = ended
            .wait_for(Option::is_some)
            .await
            .context("the thread that waits for a program ended")?;
        let status = status
            .as_deref()
            .expect("it was waited for until there was a status");
        match status {
            Ok(status) => Ok(*status),
            Err(error) => Err(io::Error::from(error.kind())).context("waiting for a program"),
        }
    }

    /// Sends a signal; does nothing when the process has ended.
    pub(super) fn signal(&self, signal: Signal) {
        if self.ended.borrow().is_none() {
            // It may end at this moment, which is what the signal is for.
            let _ = kill_process(self.pid, signal);
        }
    }
}

#[expect(
    unsafe_code,
    reason = "`pre_exec` is unsafe; see the comment at the block"
)]
fn dies_with_us(command: &mut Command) {
    let we = getpid();
    let ask_the_kernel = move || {
        set_parent_process_death_signal(Some(Signal::INT))?;
        // We may have ended before the kernel was asked; then nobody would send the signal.
        if getppid() == Some(we) {
            Ok(())
        } else {
            Err(Errno::SRCH.into())
        }
    };
    // SAFETY: the closure runs in the forked child, where only what is safe in a signal handler may be
    // called: it makes two system calls and neither allocates nor takes a lock. It runs after the
    // change of user, which would undo the request.
    unsafe { command.pre_exec(ask_the_kernel) };
}
