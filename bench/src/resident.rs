//! The memory of a process, as the kernel tells it in `/proc`.

use std::fs;

use anyhow::Context;

/// Returns the resident memory of a process, in KiB.
///
/// # Errors
/// When the process has ended.
pub(crate) fn resident_kib(process: u32) -> anyhow::Result<u64> {
    read(process, "VmRSS:")
}

/// Returns the peak of the resident memory of a process since its start, in KiB.
///
/// # Errors
/// When the process has ended.
pub(crate) fn peak_kib(process: u32) -> anyhow::Result<u64> {
    read(process, "VmHWM:")
}

fn read(process: u32, name: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("the kernel does not tell memory")?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory() {
        let this = std::process::id();
        let (now, peak) = (resident_kib(this).unwrap(), peak_kib(this).unwrap());
        assert!(0 < now && now <= peak);
    }
}
