//! The places of connections: of all together, and of each client's address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::transport::peer::{TrustedProxies, counted};

/// The most connections of a server.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// The maximum number of connections at once, WebSockets included.
    pub connections: usize,
    /// The maximum number of them from one address. Connections of trusted proxies do not count, but the WebSockets
    /// of the clients whose addresses they forward do.
    pub of_address: usize,
    /// The proxies that are trusted.
    pub trusted_proxies: TrustedProxies,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: super::MAX_CONNECTIONS,
            of_address: super::MAX_CONNECTIONS_OF_ADDRESS,
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// The places for connections. Clones share all state.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    limits: Arc<ConnectionLimits>,
    all: Arc<Semaphore>,
    addresses: Arc<Mutex<HashMap<IpAddr, Held>>>,
}

/// The connections of an address.
#[derive(Debug, Default)]
struct Held {
    connections: usize,
    /// True if one was refused since there are any.
    refused: bool,
}

/// The place of a connection, which is free again once this value is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_address: Option<PlaceOfAddress>,
}

/// The place of a connection among those of its address.
#[derive(Debug)]
pub(crate) struct PlaceOfAddress {
    places: Places,
    address: IpAddr,
}

/// The reason why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlace {
    /// The server has as many connections as it may have.
    #[error("the server has as many connections as it takes: try again later")]
    OfServer,
    /// The address has as many connections as it may have.
    #[error(
        "your address has {most} connections, which is the most: close some, or try again later"
    )]
    OfAddress {
        /// The maximum.
        most: usize,
    },
}

impl Places {
    /// Creates free places.
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections)),
            limits: Arc::new(limits),
            addresses: Arc::default(),
        }
    }

    /// Takes the place of a connection from this address.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn take(&self, peer: IpAddr) -> Result<Place, NoPlace> {
        let of_address = self.of_address(peer)?;
        let of_all = Arc::clone(&self.all).try_acquire_owned();
        Ok(Place {
            _of_all: of_all.map_err(|_| refused("process", NoPlace::OfServer))?,
            _of_address: of_address,
        })
    }

    /// Takes the place of a connection whose client's address was forwarded, for as long as it lasts. A connection
    /// without a proxy has its place already.
    ///
    /// # Errors
    /// When the address has as many connections as it may have.
    pub(crate) fn of_forwarded(
        &self,
        peer: IpAddr,
        client: IpAddr,
    ) -> Result<Option<PlaceOfAddress>, NoPlace> {
        if peer == client {
            return Ok(None);
        }
        self.of_address(client)
    }

    /// Returns the trusted proxies.
    pub(crate) fn trusted_proxies(&self) -> &TrustedProxies {
        &self.limits.trusted_proxies
    }

    fn of_address(&self, address: IpAddr) -> Result<Option<PlaceOfAddress>, NoPlace> {
        if self.limits.trusted_proxies.trusts(address) {
            return Ok(None);
        }
        let (address, most) = (counted(address), self.limits.of_address);
        let mut addresses = self.addresses();
        let held = addresses.entry(address).or_default();
        if held.connections >= most {
            if !std::mem::replace(&mut held.refused, true) {
                tracing::warn!(
                    client.address = %address,
                    most,
                    "connections of an address are refused, because it has too many: if it is a proxy's, \
                     name it in --trusted-proxy"
                );
            }
            return Err(refused("address", NoPlace::OfAddress { most }));
        }
        held.connections += 1;
        Ok(Some(PlaceOfAddress {
            places: self.clone(),
            address,
        }))
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, Held>> {
        self.addresses.lock().expect("nobody panics while counting")
    }
}

fn refused(of: &'static str, why: NoPlace) -> NoPlace {
    metrics::counter!("clustergenie_http_connections_refused_total", "of" => of).increment(1);
    why
}

impl Drop for PlaceOfAddress {
    fn drop(&mut self) {
        let mut addresses = self.places.addresses();
        if let Some(held) = addresses.get_mut(&self.address) {
            held.connections -= 1;
            if held.connections == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
impl Place {
    /// Takes a place for a test of something else.
    pub(super) fn for_test() -> Self {
        let places = Places::new(ConnectionLimits::default());
        let place = places.take(std::net::Ipv4Addr::LOCALHOST.into());
        place.expect("the place is free")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_share_and_leaves_nothing_behind() {
        let places = Places::new(ConnectionLimits {
            connections: 4,
            of_address: 2,
            trusted_proxies: ["10.0.0.1".parse().unwrap()].as_slice().into(),
        });
        let (greedy, proxy) = (ip("192.0.2.1"), ip("10.0.0.1"));
        let mut taken = vec![places.take(greedy).unwrap(), places.take(greedy).unwrap()];
        let none = NoPlace::OfAddress { most: 2 };
        assert_eq!(places.take(greedy).unwrap_err(), none);
        // A proxy is not counted, but the clients behind it are.
        taken.push(places.take(proxy).unwrap());
        assert_eq!(places.of_forwarded(proxy, greedy).unwrap_err(), none);
        let other = places.of_forwarded(proxy, ip("192.0.2.2")).unwrap();
        assert!(other.is_some());
        assert!(places.of_forwarded(proxy, proxy).unwrap().is_none());
        taken.push(places.take(ip("192.0.2.3")).unwrap());
        assert_eq!(places.take(proxy).unwrap_err(), NoPlace::OfServer);
        drop(taken.remove(0));
        taken.push(places.take(greedy).unwrap());
        drop((taken, other));
        assert!(places.addresses().is_empty());
    }
}
