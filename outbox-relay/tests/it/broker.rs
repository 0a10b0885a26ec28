//! A broker of one test's own, to be killed, paused and started again.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::events::new_stream;
use testkit::port;

/// A broker with its files in a folder of its own. Both are gone when it is dropped.
pub(crate) struct Broker {
    folder: PathBuf,
    port: u16,
}

impl Broker {
    /// Starts it as `./dev kafka` does; returns when it serves.
    pub(crate) fn start() -> Self {
        let unique = new_stream(domain::stream_type::StreamType::JOB).uuid;
        let folder = env::temp_dir().join(format!("clustergenie-broker-{unique}"));
        fs::create_dir(&folder).unwrap();
        let port = port::free();
        let broker = Self { folder, port };
        broker.start_again();
        broker
    }

    /// Starts it with the topics that it had.
    pub(crate) fn start_again(&self) {
        let dev = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dev");
        let started = Command::new(dev)
            .args(["kafka", "start", "--port", &self.port.to_string(), "--dir"])
            .arg(&self.folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&started.stderr);
        assert!(started.status.success(), "the broker starts: {said}");
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Sends it a signal, such as `KILL`, `STOP` or `CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.folder.join("kafka/pid")).unwrap();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), pid.trim()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Whether it runs.
    pub(crate) fn runs(&self) -> bool {
        let pid = fs::read_to_string(self.folder.join("kafka/pid")).unwrap();
        let status = fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default();
        status
            .lines()
            .any(|l| l.starts_with("State:") && !l.contains('Z'))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.runs() {
            self.signal("KILL");
        }
        // What the broker still writes while it ends is no matter.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
