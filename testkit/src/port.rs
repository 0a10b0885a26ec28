//! Ports for servers that restart on the same port, or that cannot report the port that they chose.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

/// The lowest port, below the ports that Linux gives to outgoing connections and to requests for any port.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Returns a free port of this machine, each at most once in this process.
///
/// # Panics
/// When no port is free.
#[must_use]
pub fn free() -> u16 {
    static RETURNED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut returned = RETURNED.lock().expect("no holder panics");
    // Other processes begin elsewhere.
    let random = RandomState::new().hash_one(());
    let start = u16::try_from(random % u64::from(COUNT)).expect("it is less than 12,000");
    let port = (0..COUNT)
        .map(|step| FIRST + (start + step) % COUNT)
        .find(|port| {
            !returned.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()
        })
        .expect("a port is free");
    returned.insert(port);
    port
}
