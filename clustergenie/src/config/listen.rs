//! Addresses to listen on.

use std::net::{SocketAddr, ToSocketAddrs};

/// Reads `HOST:PORT`. A host name is resolved at once; of several addresses, IPv4 is preferred.
///
/// # Errors
/// A sentence that says how to write the address, or that the host cannot be resolved.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let has_host_and_port = text
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !has_host_and_port {
        return Err("write HOST:PORT, such as 127.0.0.1:8085".to_owned());
    }
    let resolved = text
        .to_socket_addrs()
        .map_err(|error| format!("the host cannot be resolved: {error}"))?;
    resolved
        .min_by_key(SocketAddr::is_ipv6)
        .ok_or_else(|| "the host has no address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_host_names_are_read() {
        for (text, read) in [
            ("127.0.0.1:8085", "127.0.0.1:8085"),
            ("localhost:18401", "127.0.0.1:18401"),
            ("[::1]:8085", "[::1]:8085"),
            ("0.0.0.0:0", "0.0.0.0:0"),
        ] {
            assert_eq!(address(text), Ok(read.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn anything_else_gets_an_example() {
        for bad in [
            "",
            "8085",
            ":8085",
            "localhost",
            "localhost:http",
            "127.0.0.1:70000",
        ] {
            let refused = address(bad).unwrap_err();
            assert!(
                refused.contains("such as 127.0.0.1:8085"),
                "{bad}: {refused}"
            );
        }
    }
}
