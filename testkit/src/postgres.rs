//! A database for one test: created from a migrated template, dropped when the test ends.
//!
//! The first test of a version of the migrations and read models creates the template, under an advisory
//! lock. Every database is a copy of the template, which takes a few milliseconds.

use std::env;
use std::time::Duration;

use event_store::incarnation::{self, IncarnationId};
use event_store::pool::{self, Purpose};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// The environment variable with the URL of a server where tests may create databases.
pub const SERVER: &str = "CLUSTERGENIE_TEST_DATABASE_URL";

/// Most connections of a pool: tests share one server.
const CONNECTIONS: u32 = 10;

/// Longest time that a test waits for the drop of its database.
const DROP_TIMEOUT: Duration = Duration::from_millis(500);

/// The key of the advisory lock during the creation of the template. Any unused number works.
const TEMPLATE_LOCK: i64 = 0x7e57;

/// The name of the template, once it exists.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A migrated database of one test. Dropping this value drops the database, even with open connections.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    pool: PgPool,
    incarnation: IncarnationId,
}

impl TestDatabase {
    /// Creates a database on the server that [`SERVER`] names.
    ///
    /// # Panics
    /// When the variable is missing or the server refuses.
    pub async fn new() -> Self {
        let template = TEMPLATE.get_or_init(migrated_template).await;
        let name = format!("clustergenie_test_{}", unique());
        let mut server = connect_server().await;
        run(
            &mut server,
            format!("create database {name} template {template}"),
        )
        .await;
        // A copy has not the rights of its template.
        run(
            &mut server,
            format!("grant create, temporary on database {name} to clustergenie_service"),
        )
        .await;
        server.close().await.expect("the server lets go");
        // Without the settings of a part of the program, so that tests may do anything.
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect(&url_of(&name))
            .await
            .expect("the server accepts connections");
        let lineage = incarnation::ensure(&pool).await;
        let incarnation = lineage.expect("the database is new").current().id;
        Self {
            name,
            pool,
            incarnation,
        }
    }

    /// The first incarnation of the log.
    #[must_use]
    pub fn incarnation(&self) -> IncarnationId {
        self.incarnation
    }

    /// The pool of connections as the owner of everything.
    #[must_use]
    pub fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// The URL of the database, for a program or another pool.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(&self.name)
    }

    /// Opens a pool of connections with the settings of a part of the program.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn pool_for(&self, purpose: Purpose) -> PgPool {
        connect(&self.url(), purpose).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop_it = format!("drop database if exists {} with (force)", self.name);
        // A destructor cannot wait for the runtime of the test, so another thread has its own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime starts").block_on(async {
                let statement = async { run(&mut connect_server().await, drop_it).await };
                // The server completes the statement also after a disconnect. It waits until each of its
                // processes has closed its files, which may take an idle one a minute.
                let _ = tokio::time::timeout(DROP_TIMEOUT, statement).await;
            });
        });
        // A second panic while a failed test unwinds would hide the first one.
        if dropping.join().is_err() && !std::thread::panicking() {
            panic!("the database {} of a test was not dropped", self.name);
        }
    }
}

/// A text that is unique across tests and processes.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are an edge: ids enter here"
)]
pub(crate) fn unique() -> String {
    Uuid::now_v7().simple().to_string()
}

async fn migrated_template() -> String {
    let name = template_name();
    let mut server = connect_server().await;
    sqlx::query("select pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut server)
        .await
        .expect("the advisory lock is taken");
    // Marked as a template only after its migrations.
    let ready: bool = sqlx::query_scalar(
        "select exists (select from pg_database where datname = $1 and datistemplate)",
    )
    .bind(&name)
    .fetch_one(&mut server)
    .await
    .expect("the server lists its databases");
    if !ready {
        run(
            &mut server,
            format!("drop database if exists {name} with (force)"),
        )
        .await;
        run(&mut server, format!("create database {name}")).await;
        let pool = connect(&url_of(&name), Purpose::Maintenance).await;
        schema::migrate::migrate(&pool)
            .await
            .expect("the migrations apply to an empty database");
        projections::tables::migrate(&pool)
            .await
            .expect("the read models are made in an empty database");
        pool.close().await;
        run(
            &mut server,
            format!("alter database {name} is_template true"),
        )
        .await;
    }
    // Ends the session, and with it the lock.
    server.close().await.expect("the server lets go");
    name
}

/// The name of the template, derived from the migrations, the stated rights and the declarations of read models. A changed
/// migration or declaration leads to a new template.
fn template_name() -> String {
    let mut parts = schema::migrate::TABLE.as_bytes().to_vec();
    let migrations = schema::migrate::MIGRATOR.iter();
    parts.extend(migrations.flat_map(|m| m.checksum.to_vec()));
    parts.extend(schema::migrate::RIGHTS.bytes());
    for model in projections::all() {
        let (name, version) = (model.name(), model.version());
        let (tables, views) = (model.tables(), model.views());
        parts.extend(format!("{name} {version} {tables} {views:?}").bytes());
    }
    format!(
        "clustergenie_template_{}",
        Uuid::new_v5(&Uuid::nil(), &parts).simple()
    )
}

async fn connect(url: &str, purpose: Purpose) -> PgPool {
    pool::connect(url, purpose, CONNECTIONS)
        .await
        .expect("the test database takes connections")
}

async fn connect_server() -> PgConnection {
    PgConnection::connect(&server_url())
        .await
        .expect("the test server takes connections")
}

async fn run(server: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement.clone()))
        .execute(server)
        .await
        .unwrap_or_else(|error| panic!("`{statement}` failed: {error}"));
}

fn server_url() -> String {
    env::var(SERVER).unwrap_or_else(|_| {
        panic!(
            "{SERVER} is not set: run the tests by `./dev test`, which starts a Postgres for them, \
             or take the line that `./dev db` prints"
        )
    })
}

/// The URL of another database on the server.
fn url_of(database: &str) -> String {
    let server = server_url();
    let (address, settings) = match server.split_once('?') {
        Some((address, settings)) => (address, format!("?{settings}")),
        None => (server.as_str(), String::new()),
    };
    let (host, _) = address.rsplit_once('/').unwrap_or_else(|| {
        panic!("{SERVER} must name a database, such as postgres://host/postgres")
    });
    format!("{host}/{database}{settings}")
}
