//! The shared database of a distributed installation: how its processes connect.

use anyhow::Context;
use event_store::incarnation;
use event_store::pool::{self, Purpose};
use event_store::sequence;
use event_store::stream_types;
use sqlx::PgPool;
use url::Url;

use super::reservation::Reservation;
use crate::config::Database;

/// The error context of a failed connection.
pub(super) const UNREACHABLE: &str =
    "the database cannot be used: check --database-url (CLUSTERGENIE_DATABASE_URL)";

/// Well-known passwords, which attackers try first.
const KNOWN_PASSWORDS: [&str; 7] = [
    "",
    "admin",
    "changeme",
    "clustergenie",
    "password",
    "postgres",
    "secret",
];

/// Opens a pool on a database that is at this program's version, with this many connections if all that the process
/// wants are left.
///
/// # Errors
/// When the database does not answer, refuses the login, is at another version, or is a standby.
pub(super) async fn connect(
    reservation: &Reservation,
    purpose: Purpose,
    connections: u32,
) -> anyhow::Result<PgPool> {
    let url = &reservation.database().database_url;
    let connections = reservation.size(purpose, connections)?;
    let pool = pool::connect(url, purpose, connections)
        .await
        .context(UNREACHABLE)?;
    // The role that reads for clients cannot read what is checked.
    if !matches!(purpose, Purpose::Queries | Purpose::Subscriptions) {
        schema::migrate::check(&pool).await?;
        projections::tables::check(&pool).await?;
        // Refuses a standby, and notices a restore or a failover before anything is done.
        incarnation::ensure(&pool).await?;
    }
    // Before commands record events of its stream types.
    if purpose == Purpose::Commands {
        stream_types::declare(&pool).await?;
        sequence::check(&pool).await?;
    }
    Ok(pool)
}

/// Warns of a missing or well-known password, in the URL or in `PGPASSWORD`.
pub(super) fn warn_of_known_password(database: &Database) {
    let in_url = password_in(&database.database_url);
    let password = in_url
        .or_else(|| std::env::var("PGPASSWORD").ok())
        .unwrap_or_default();
    if KNOWN_PASSWORDS.contains(&password.as_str()) {
        tracing::warn!(
            "the database password is empty or well known: set another one before others can reach \
             the database"
        );
    }
}

/// Warns of a login that could alter history. The process acts as a role that cannot, but whoever takes the process over
/// could drop that role.
pub(super) async fn warn_of_owner(pool: &PgPool) -> anyhow::Result<()> {
    if let Some(owner) = schema::migrate::owner_of_tables(pool).await? {
        tracing::warn!(
            owner,
            "the database login of this process is a superuser or has the rights of the owner of the tables: give it \
             one that owns nothing (create role ... login in role clustergenie_service, clustergenie_reader), and keep \
             the owner for `clustergenie migrate`"
        );
    }
    Ok(())
}

/// The password in `postgres://user:password@host/...`, or in its parameter, if there is one.
fn password_in(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let mut parameters = url.query_pairs();
    let parameter = parameters.find_map(|(name, value)| (name == "password").then_some(value));
    let parameter = parameter.map(String::from);
    parameter.or_else(|| url.password().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_in_a_url() {
        assert_eq!(
            password_in("postgres://me:s3cret@db/x").as_deref(),
            Some("s3cret")
        );
        assert_eq!(
            password_in("postgres:///x?host=db&password=s3cret").as_deref(),
            Some("s3cret")
        );
        assert_eq!(password_in("postgres://me@db/x"), None);
    }
}
