//! The servers that the platform needs, run by the rig itself: Postgres, Kafka, and a disk that can be
//! filled.

pub(crate) mod disk;
pub(crate) mod kafka;
pub(crate) mod postgres;

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context;

use crate::random::Random;

/// A port that nobody listens on, below those that the kernel gives to outgoing connections: a process
/// that is started again needs the same one.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let mut random = Random::new(u64::from(std::process::id()));
    // What was given before may not be listened on yet.
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
