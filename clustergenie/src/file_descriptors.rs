//! The file descriptors of the process: one for each connection. Without a free one no probe is answered, and Postgres
//! cannot be connected to. So clients never get the last ones.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The file descriptors that clients never get: those of Postgres, Kafka, probes and files.
const RESERVED: u64 = 512;

/// Raises the limit of file descriptors as far as it may be. Returns the number of clients' connections that the limit
/// allows, at most `wanted`. Warns if these are fewer.
pub(crate) fn most_connections(wanted: usize) -> usize {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(_) => before.current,
    };
    let most = beside_reserved(allowed, wanted);
    if most < wanted {
        tracing::warn!(
            connections = most,
            "the limit of file descriptors allows few connections: raise it to {}",
            wanted as u64 + RESERVED
        );
    }
    most
}

/// The number of connections beside what is reserved; `None` is no limit. Of a small limit clients get half.
fn beside_reserved(allowed: Option<u64>, wanted: usize) -> usize {
    let Some(allowed) = allowed else {
        return wanted;
    };
    let most = allowed.saturating_sub(RESERVED).max(allowed / 2);
    usize::try_from(most).unwrap_or(wanted).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_never_get_the_last_file_descriptors() {
        assert_eq!(beside_reserved(None, 10_000), 10_000);
        assert_eq!(beside_reserved(Some(1 << 20), 10_000), 10_000);
        assert_eq!(beside_reserved(Some(10_000), 10_000), 9_488);
        assert_eq!(beside_reserved(Some(1_024), 10_000), 512);
        assert_eq!(beside_reserved(Some(256), 10_000), 128);
    }
}
