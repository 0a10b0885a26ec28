//! An owner who only migrates, and processes that own nothing. Neither of them is a superuser.

use std::process::Stdio;

use event_store::partitions;
use event_store::pool::{self, Purpose};
use projections::page::{LogCursor, log_cursor};
use projections::rebuild;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use testkit::platform::TestPlatform;
use testkit::port;
use testkit::wait::{DEADLINE, until};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::login::{Login, server_execute};
use super::program::{Folder, Up, printed, program, query, run, said};

/// A migrated database, and its two logins.
struct Installation {
    folder: Folder,
    owner: Login,
    processes: Login,
    /// The database with the login of the owner.
    of_owner: String,
    /// The database with the login of processes.
    url: String,
}

impl Installation {
    /// As docs/operators.md says, by the statements that `migrate` asks for.
    async fn new() -> Self {
        let folder = Folder::new();
        let owner = Login::new("").await;
        let of_owner = owner.own_database().await;
        let migrate = ["migrate", "--database-url", &of_owner];
        let refused = run(&folder, &migrate).await;
        let said = said(&refused);
        let statements = said.split('`').nth(1).expect("it tells the statements");
        server_execute(statements).await;
        printed(&run(&folder, &migrate).await);
        let processes = Login::new("in role clustergenie_service, clustergenie_reader").await;
        let url = processes.url_of(&owner.name);
        Self {
            folder,
            owner,
            processes,
            of_owner,
            url,
        }
    }

    async fn remove(self) {
        self.owner.remove().await;
        self.processes.remove().await;
    }
}

#[tokio::test]
async fn the_platform_works_with_a_login_that_owns_nothing() {
    let place = Installation::new().await;
    let folder = &place.folder;
    folder.write("key", "0123456789abcdef0123456789abcdef\n");
    let listen = format!("127.0.0.1:{}", port::free());
    let log = std::fs::File::create(folder.path("api.log")).unwrap();
    let arguments = [
        "api",
        "--jwt-key-file",
        "key",
        "--listen",
        &listen,
        "--metrics-listen",
        "127.0.0.1:0",
        "--database-url",
        &place.url,
    ];
    let api = program(folder, arguments)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    // What the other processes do, because they need Kafka.
    let platform = TestPlatform::at(&place.url, DEADLINE).await;
    let url = format!("http://{listen}");
    until("it is ready", async || {
        let ready = reqwest::get(format!("{url}/readyz")).await.ok()?;
        ready.status().is_success().then_some(())
    })
    .await;
    let token = [
        "token",
        "--key-file",
        "key",
        "--org",
        "acme",
        "--role",
        "admin",
    ];
    let token = printed(&run(folder, &token).await);
    let document = r#"mutation { provisionDroplet(input: {
        name: "web-1", size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64", provisioner: AGENT
    }) { consistencyToken userErrors { code } } }"#;
    let done = query(&url, token.trim(), document).await;
    assert_eq!(done["provisionDroplet"]["userErrors"], json!([]));
    // Before anybody subscribes: nothing tells the API of events that get their positions later.
    platform.settle().await;
    let beginning = log_cursor(LogCursor::default());
    let subscription =
        format!("subscription {{ eventRecorded(after: {beginning:?}) {{ event {{ type }} }} }}");
    assert_hears(&url, token.trim(), &subscription, "DROPLET_REQUESTED").await;
    let counted = query(&url, token.trim(), "{ droplets(first: 1) { totalCount } }").await;
    assert_eq!(counted["droplets"]["totalCount"], json!(1));

    rebuild_and_drop(&place.url).await;
    partitions_are_maintained(&place).await;
    let verify = run(folder, &["verify", "--database-url", &place.url]).await;
    printed(&verify);
    let log = std::fs::read_to_string(folder.path("api.log")).unwrap();
    assert!(!log.contains("owns nothing"), "nothing to warn of: {log}");
    drop((api, platform));
    place.remove().await;
}

/// Subscribes, and reads until a text comes.
async fn assert_hears(url: &str, token: &str, subscription: &str, text: &str) {
    let mut response = reqwest::Client::new()
        .post(format!("{url}/graphql"))
        .bearer_auth(token)
        .header("accept", "text/event-stream")
        .json(&json!({ "query": subscription }))
        .send()
        .await
        .unwrap();
    let mut heard = String::new();
    while !heard.contains(text) {
        let more = timeout(DEADLINE, response.chunk()).await.unwrap().unwrap();
        heard.push_str(&String::from_utf8_lossy(&more.expect("it ends later")));
        assert!(!heard.contains("errors"), "{heard}");
    }
}

/// Has a read model rebuilt, with new tables and views, and the tables of the generation before dropped.
async fn rebuild_and_drop(url: &str) {
    let pool = pool::connect(url, Purpose::Consumers, 8).await.unwrap();
    let models = projections::all();
    rebuild::request(&pool, models[0].as_ref(), "ann", "a test")
        .await
        .unwrap();
    let mut rebuilder = JoinSet::new();
    let stop = CancellationToken::new();
    let run = rebuild::run(
        pool.clone(),
        models,
        event_store::consume::wake::Signal::new(),
        "a test".to_owned(),
        stop,
    );
    rebuilder.spawn(run);
    until(
        "the new generation serves, and the old one is gone",
        async || {
            let states: Vec<String> = sqlx::query_scalar(
                "select state || coalesce(' ' || (dropped_at is not null), '') from es.generations \
             where consumer = 'droplets' order by generation",
            )
            .fetch_all(&pool)
            .await
            .unwrap();
            (states == ["RETIRED true", "SERVING false"]).then_some(())
        },
    )
    .await;
}

/// Has a process make partitions that are missing. They are protected as their table is.
async fn partitions_are_maintained(place: &Installation) {
    let mut owner = PgConnection::connect(&place.of_owner).await.unwrap();
    // Nobody has sent a key.
    sqlx::raw_sql(
        "do $$ declare p text; begin \
             for p in select partition from es.partitions_of('idempotency') loop \
                 execute format('drop table %s', p); \
             end loop; \
         end $$",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let pool = pool::connect(&place.url, Purpose::Relay, 1).await.unwrap();
    assert!(partitions::maintain(&pool).await.unwrap() > 0);
    let unprotected: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid \
         where c.relkind = 'r' and not c.relforcerowsecurity",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(unprotected, [""; 0]);
    owner.close().await.unwrap();
}

/// Statements that alter history, or take away what protects it.
const FORBIDDEN: [&str; 17] = [
    "update es.events set data = '{}'",
    "delete from es.events",
    "truncate es.events",
    "update es.events_1 set data = '{}'",
    "update es.log set position = 9",
    "delete from es.log",
    "truncate es.log",
    "update es.commands set actor = 'bob'",
    "delete from es.commands",
    "truncate es.commands",
    "delete from es.digests",
    "alter table es.events disable trigger all",
    "alter table es.events no force row level security",
    "drop policy of_organization on es.events",
    "drop table es.log_1",
    "set session_replication_role = replica",
    "create trigger evil before insert on es.events for each statement execute function es.refuse_change()",
];

#[tokio::test]
async fn a_process_cannot_alter_history() {
    let place = Installation::new().await;
    // As it acts, and as its login can act without the role.
    for purpose in [Purpose::Commands, Purpose::Operators, Purpose::Maintenance] {
        let pool = pool::connect(&place.url, purpose, 1).await.unwrap();
        for statement in FORBIDDEN {
            assert_refused(&pool, statement).await;
        }
        assert_refused(&pool, &format!("set role {}", place.owner.name)).await;
    }
    // The owner is bound by row-level security, too, and sees all rows because it is a member of the service role.
    let owner = pool::connect(&place.of_owner, Purpose::Maintenance, 1)
        .await
        .unwrap();
    let is_bound: bool = sqlx::query_scalar("select row_security_active('es.events')")
        .fetch_one(&owner)
        .await
        .unwrap();
    assert!(is_bound);
    owner.close().await;
    place.remove().await;
}

/// Postgres calls the function whose parameters match best among those of all schemas of the search path.
#[tokio::test]
async fn no_function_of_a_process_runs_with_the_rights_of_the_owner() {
    let place = Installation::new().await;
    let owner = &place.owner.name;
    let process = pool::connect(&place.url, Purpose::Operators, 1)
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!(
        "create schema {owner}; \
         grant usage on schema {owner} to public; \
         create function {owner}.hashtextextended(text, integer) returns bigint language plpgsql \
         as $$ begin raise 'called as %', current_user; end $$"
    )))
    .execute(&process)
    .await
    .unwrap();
    process.close().await;
    let migrate = ["migrate", "--database-url", &place.of_owner];
    let migrated = run(&Folder::new(), &migrate).await;
    assert!(migrated.status.success(), "{}", said(&migrated));
    place.remove().await;
}

async fn assert_refused(pool: &PgPool, statement: &str) {
    let mut connection = pool.acquire().await.unwrap();
    let refused = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut *connection)
        .await;
    let refused = refused.expect_err(statement).into_database_error().unwrap();
    // insufficient_privilege
    assert_eq!(
        refused.code().as_deref(),
        Some("42501"),
        "{statement}: {refused}"
    );
}

#[tokio::test]
async fn the_parts_of_up_own_nothing_either() {
    let folder = Folder::new();
    let up = Up::start(&folder).await;
    let mut owner = PgConnection::connect(&up.ready().database_url)
        .await
        .unwrap();
    let sessions: Vec<(String, bool)> = sqlx::query_as(
        "select distinct usename::text, pg_has_role(usesysid, \
             (select relowner from pg_class where oid = 'es.events'::regclass), 'MEMBER') \
         from pg_stat_activity where application_name like 'clustergenie %'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(sessions, [("clustergenie_processes".to_owned(), false)]);
    owner.close().await.unwrap();
    assert!(up.stop().await.success());
}
