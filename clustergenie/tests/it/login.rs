//! Logins of the test server with fewer rights than its superuser.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use testkit::postgres::{SERVER, TestDatabase};

use super::program::unique;

/// A role that may log in.
pub(crate) struct Login {
    pub(crate) name: String,
}

impl Login {
    /// Creates it with the given options of `create role`.
    pub(crate) async fn new(options: &str) -> Self {
        let name = format!("login_{}", unique());
        server_execute(&format!(
            "create role {name} login password 'a-test' {options}"
        ))
        .await;
        Self { name }
    }

    /// The URL of a database with this login.
    pub(crate) fn url(&self, database: &TestDatabase) -> String {
        self.in_url(&database.url())
    }

    /// The URL of a new database that this login owns.
    pub(crate) async fn own_database(&self) -> String {
        server_execute(&format!("create database {0} owner {0}", self.name)).await;
        self.url_of(&self.name)
    }

    /// The URL of a database of the server with this login.
    pub(crate) fn url_of(&self, database: &str) -> String {
        let server = server();
        let (address, _) = server.rsplit_once('/').unwrap();
        self.in_url(&format!("{address}/{database}"))
    }

    /// Lets it grant a role, if that exists.
    pub(crate) async fn administers(&self, role: &str) {
        let name = &self.name;
        server_execute(&format!(
            "do $$ begin grant {role} to {name} with admin option; \
             exception when undefined_object then null; end $$"
        ))
        .await;
    }

    /// Removes the login and its database.
    pub(crate) async fn remove(self) {
        server_execute(&format!(
            "drop database if exists {} with (force)",
            self.name
        ))
        .await;
        server_execute(&format!("drop role {}", self.name)).await;
    }

    fn in_url(&self, url: &str) -> String {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (_, address) = rest.split_once('@').unwrap();
        format!("{scheme}://{}:a-test@{address}", self.name)
    }
}

fn server() -> String {
    std::env::var(SERVER).unwrap()
}

/// Runs statements as the superuser of the server.
pub(crate) async fn server_execute(statement: &str) {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}
