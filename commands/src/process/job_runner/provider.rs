//! A simulated provider, which makes no machines but records that it made them.
//!
//! Both operations may be repeated. Addresses are simulated: private ones are of `10.0.0.0/8`. Public ones
//! are of `100.64.0.0/10`, which is reserved for carriers and routed nowhere.

use std::net::Ipv4Addr;

use domain::droplet::{Address, AddressKind};
use domain::ids::DropletId;
use event_store::error::StoreError;
use sqlx::PgPool;

const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const PUBLIC: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 0);
/// The number of addresses of the smaller network, without its first and last.
const MACHINES: i64 = (1 << 22) - 2;

/// The simulated provider.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    pool: PgPool,
}

/// The reason why an operation of the provider failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderError {
    /// The provider has made as many machines as it has addresses, which it never uses twice.
    #[error("the simulated provider has no addresses left")]
    OutOfAddresses,
    /// The database of the provider is unavailable.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Provider {
    /// Returns a provider that records its machines in this database.
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Makes the droplet's machine, if it has none, and returns its addresses. A droplet always has the
    /// same addresses, and never those of another.
    pub(super) async fn create(&self, droplet: DropletId) -> Result<[Address; 2], ProviderError> {
        let ordinal: i64 = sqlx::query_scalar(
            "insert into process.simulated_machines (droplet_id) values ($1) \
             on conflict (droplet_id) do update set droplet_id = excluded.droplet_id \
             returning ordinal",
        )
        .bind(droplet.as_uuid())
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::unavailable("making a simulated machine"))?;
        addresses(ordinal).ok_or(ProviderError::OutOfAddresses)
    }

    /// Removes the droplet's machine, if it has one.
    pub(super) async fn destroy(&self, droplet: DropletId) -> Result<(), ProviderError> {
        sqlx::query("delete from process.simulated_machines where droplet_id = $1")
            .bind(droplet.as_uuid())
            .execute(&self.pool)
            .await
            .map_err(StoreError::unavailable("removing a simulated machine"))?;
        Ok(())
    }
}

fn addresses(ordinal: i64) -> Option<[Address; 2]> {
    let host = (1..=MACHINES)
        .contains(&ordinal)
        .then(|| u32::try_from(ordinal).ok())??;
    let in_network = |kind, network: Ipv4Addr| Address {
        kind,
        ip: Ipv4Addr::from(u32::from(network) + host).into(),
    };
    Some([
        in_network(AddressKind::Public, PUBLIC),
        in_network(AddressKind::Private, PRIVATE),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(ordinal: i64) -> Option<[String; 2]> {
        addresses(ordinal).map(|both| both.map(|address| address.ip.to_string()))
    }

    #[test]
    fn addresses_stay_in_their_networks() {
        let texts = |both: [&str; 2]| Some(both.map(str::to_owned));
        assert_eq!(ips(1), texts(["100.64.0.1", "10.0.0.1"]));
        assert_eq!(ips(257), texts(["100.64.1.1", "10.0.1.1"]));
        assert_eq!(ips(MACHINES), texts(["100.127.255.254", "10.63.255.254"]));
        for beyond in [-1, 0, MACHINES + 1, i64::MAX] {
            assert_eq!(ips(beyond), None);
        }
    }
}
