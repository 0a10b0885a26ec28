//! The servers that the rig runs for the platform: Postgres, Kafka, and a disk that can be filled.

pub(crate) mod disk;
pub(crate) mod kafka;
pub(crate) mod postgres;

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context;

use crate::random::Random;

/// A free port below those that the kernel gives to outgoing connections, because a restarted process needs
/// the same port.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let mut random = Random::new(u64::from(std::process::id()));
    // A port that was returned before may not be in use yet.
    static GIVEN: std::sync::Mutex<Vec<u16>> = std::sync::Mutex::new(Vec::new());
    let mut given = GIVEN.lock().expect("no holder panics");
    for _ in 0..1_000 {
        let port = u16::try_from(random.between(20_000, 31_999))?;
        let is_free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if is_free && !given.contains(&port) {
            given.push(port);
            return Ok(port);
        }
    }
    None.context("no port is free")
}
