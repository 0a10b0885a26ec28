//! Row-level security: Postgres itself keeps organizations apart.

use event_store::pool::Purpose;
use projections::counts::query::OrgCounts;
use projections::droplets::counted::BY_STATUS;
use schema::migrate::{self, SchemaError};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::world::{World, Writer, org, requested, submitted};

/// The tables and views with a column `org_id` that the reader may read.
const READABLE: &str = "
select c.oid::regclass::text from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relkind in ('r', 'p', 'v', 'm') and a.attname = 'org_id'
    and has_table_privilege('clustergenie_reader', c.oid, 'SELECT')
order by 1";

/// Some of them, so that the others are not forgotten.
const AMONG_THEM: [&str; 8] = [
    "droplets_1.droplets",
    "es.commands",
    "es.events",
    "es.log",
    "read_v1.activity",
    "read_v1.counts",
    "read_v1.droplets",
    "read_v1.jobs",
];

async fn readable(pool: &PgPool) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(READABLE)
        .fetch_all(pool)
        .await
        .expect("Postgres answers");
    for table in AMONG_THEM {
        assert!(
            tables.iter().any(|of| of == table),
            "{table} is not among {tables:?}"
        );
    }
    tables
}

/// Both organizations have a droplet, a job and a recorded command.
async fn two_organizations() -> (World, PgPool) {
    let world = World::new().await;
    for name in ["acme", "other"] {
        let mut writer = Writer::new(&world, name);
        let droplet = writer.droplet(requested("web-1")).await;
        let subject = domain::job::JobSubject::Droplet(droplet);
        writer.job(submitted("batch", subject)).await;
    }
    world.catch_up().await;
    sqlx::query(
        "insert into es.commands \
             (org_id, command_id, name, actor, outcome, program, record) \
         select org, gen_random_uuid(), 'create_cluster', 'ann', 'DENIED', 'a test', '{}' \
         from unnest(array['acme', 'other']) as org",
    )
    .execute(&world.pool)
    .await
    .expect("is recorded");
    let sessions = world.database.pool_for(Purpose::Queries).await;
    (world, sessions)
}

#[tokio::test]
async fn a_session_sees_its_organization_only() {
    let (world, sessions) = two_organizations().await;
    let mut session = sessions.acquire().await.expect("connects");
    for name in ["acme", "other"] {
        assert_sees_only(&world.pool, &mut session, name).await;
    }
}

/// Sets the organization of the session, and checks that every table shows its rows and no others.
async fn assert_sees_only(all: &PgPool, session: &mut PgConnection, name: &str) {
    sqlx::query("select set_config('clustergenie.org', $1, false)")
        .bind(name)
        .execute(&mut *session)
        .await
        .expect("sets");
    for table in readable(all).await {
        let distinct = || AssertSqlSafe(format!("select distinct org_id from {table}"));
        let there: Vec<String> = sqlx::query_scalar(distinct())
            .fetch_all(all)
            .await
            .expect("reads");
        let seen: Vec<String> = sqlx::query_scalar(distinct())
            .fetch_all(&mut *session)
            .await
            .expect("reads");
        // Some have no rows, such as those of clusters.
        let expected: &[&str] = if there.is_empty() { &[] } else { &[name] };
        assert_eq!(seen, expected, "{table}");
        assert!(
            !expected.is_empty() || !AMONG_THEM.contains(&&*table),
            "{table}"
        );
    }
}

#[tokio::test]
async fn a_session_without_organization_sees_nothing() {
    let (world, sessions) = two_organizations().await;
    for table in readable(&world.pool).await {
        let seen: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&sessions)
            .await
            .expect("reads");
        assert_eq!(seen, 0, "{table}");
    }
}

#[tokio::test]
async fn a_session_cannot_write_and_cannot_see_what_names_no_organization() {
    let (world, sessions) = two_organizations().await;
    for table in readable(&world.pool).await {
        let refused = sqlx::query(AssertSqlSafe(format!("delete from {table}")))
            .execute(&sessions)
            .await;
        assert_eq!(code(refused.expect_err("is refused")), "42501", "{table}");
    }
    let private = [
        "counts_1.counted",
        "activity_1.activity_names",
        "es.streams",
        "es.reservations",
        "es.counters",
        "es.idempotency",
        "es.parked",
        "process.todo",
    ];
    for table in private {
        let refused = sqlx::query(AssertSqlSafe(format!("select from {table}")))
            .execute(&sessions)
            .await;
        assert_eq!(code(refused.expect_err("is refused")), "42501", "{table}");
    }
}

#[tokio::test]
async fn a_reader_does_not_trust_what_the_user_before_left() {
    let (world, _) = two_organizations().await;
    for _ in 0..3 {
        for name in ["acme", "other"] {
            let counts = world.reader.counts(&org(name)).await.expect("reads");
            assert_eq!(total(&counts), 1);
        }
        let counts = world.reader.counts(&org("nobody")).await.expect("reads");
        assert_eq!(counts, Default::default());
    }
}

fn total(counts: &OrgCounts) -> i64 {
    counts.by(BY_STATUS).map(|(_, count)| count).sum()
}

fn code(error: sqlx::Error) -> String {
    let error = error.into_database_error().expect("Postgres refused");
    error.code().expect("has a code").into_owned()
}

#[tokio::test]
async fn rights_that_a_restore_has_lost_are_noticed_and_stated_again() {
    let (world, sessions) = two_organizations().await;
    migrate::check(&world.pool)
        .await
        .expect("nothing is missing");
    for table in ["es.events", "es.log", "droplets_1.droplets"] {
        let lost = format!(
            "drop policy of_organization on {table}; revoke all on {table} from clustergenie_reader"
        );
        let lost = sqlx::raw_sql(AssertSqlSafe(lost))
            .execute(&world.pool)
            .await;
        lost.expect("Postgres answers");
    }
    let lost = "revoke all on read_v1.jobs from clustergenie_reader; revoke usage on schema droplets_1 from clustergenie_reader";
    let lost = sqlx::raw_sql(lost).execute(&world.pool).await;
    lost.expect("Postgres answers");

    let Err(SchemaError::LacksRights { missing }) = migrate::check(&world.pool).await else {
        panic!("nothing is noticed");
    };
    assert_eq!(
        missing,
        "droplets_1, droplets_1.droplets, es.events, es.log, read_v1.jobs"
    );
    migrate::migrate(&world.pool).await.expect("migrates");
    migrate::check(&world.pool)
        .await
        .expect("nothing is missing");
    let mut session = sessions.acquire().await.expect("connects");
    assert_sees_only(&world.pool, &mut session, "acme").await;
}
