//! Who owns what and who may do what in the database: `schema/rights.md`, generated from Postgres's catalogue.
//!
//! `UPDATE_GOLDEN=1 cargo test -p projections --test it rights` writes the file. Some rules are checked apart, so that
//! an update cannot break them.

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use event_store::consume::generation;
use event_store::pool::Purpose;
use projections::droplets::Droplets;
use projections::model::Rows;
use projections::rebuild;
use schema::migrate::{self, MIGRATOR};
use sqlx::{AssertSqlSafe, FromRow, PgPool};
use testkit::postgres::TestDatabase;

use crate::rebuild::{await_states, rebuilder};
use crate::world::World;

/// The relations in all schemas but those of Postgres. Partitions have the number N.
const RELATIONS: &str = "
select distinct
    regexp_replace(c.oid::regclass::text, '^(es\\..*)_[0-9]+$', '\\1_N') as name,
    case c.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end as kind,
    case when c.relowner = 'clustergenie_service'::regrole then 'service' else 'migrates' end as owner,
    case when c.relrowsecurity then 'on' else '' end as row_security,
    case when c.relforcerowsecurity then 'forced' else '' end as forced,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id') as has_organization,
    (select string_agg(format('%s %s', p.polname, case p.polcmd when '*' then 'all' when 'r' then 'select' end), ', '
         order by p.polname)
     from pg_policy p where p.polrelid = c.oid) as policies,
    rights('clustergenie_reader'::regrole) as reader,
    rights('clustergenie_service'::regrole) as service,
    rights(0) as others
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname not in ('pg_catalog', 'information_schema', 'public')
    and n.nspname !~ '^pg_(toast|temp)'
order by 1";

/// What a role may do with the relation `c`, as was granted to it.
const RIGHTS_OF: &str = "
    coalesce((
        select string_agg(lower(a.privilege_type), ', ' order by array_position(
            array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'], a.privilege_type))
        from aclexplode(c.relacl) a where a.grantee = ROLE and a.grantee <> c.relowner
    ), (
        select 'select (' || string_agg(a.attname::text, ', ' order by a.attnum) || ')'
        from pg_attribute a cross join aclexplode(a.attacl) x where a.attrelid = c.oid and x.grantee = ROLE
    ), '')";

#[derive(FromRow)]
struct Relation {
    name: String,
    kind: String,
    owner: String,
    row_security: String,
    forced: String,
    has_organization: bool,
    policies: Option<String>,
    reader: String,
    service: String,
    others: String,
}

/// Functions that run with the rights of their owner.
#[derive(FromRow)]
struct Definer {
    name: String,
    has_search_path: bool,
    is_public: bool,
}

/// The statement with `rights(ROLE)` written out.
fn relations() -> AssertSqlSafe<String> {
    let mut statement = RELATIONS.to_owned();
    for role in [
        "'clustergenie_reader'::regrole",
        "'clustergenie_service'::regrole",
        "0",
    ] {
        let rights = RIGHTS_OF.replace("ROLE", role);
        statement = statement.replace(&format!("rights({role})"), &rights);
    }
    AssertSqlSafe(statement)
}

/// The table of a database. Asserts the rules that always hold.
async fn table(pool: &PgPool) -> String {
    let relations: Vec<Relation> = sqlx::query_as(relations())
        .fetch_all(pool)
        .await
        .expect("Postgres answers");
    let mut text = String::from(HEADER);
    for of in relations {
        let is_bound = of.row_security == "on" && of.forced == "forced";
        assert!(
            is_bound || !of.has_organization || of.kind != "table",
            "{} has a column `org_id`, and row-level security is not forced",
            of.name
        );
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} | {} |\n",
            of.name,
            of.owner,
            [&*of.row_security, &*of.forced].join(" ").trim(),
            of.policies.unwrap_or_default(),
            of.reader,
            of.service,
            of.others
        ));
    }
    text.push_str(DEFINERS);
    let definers: Vec<Definer> = sqlx::query_as(
        "select p.oid::regprocedure::text as name, \
             coalesce(p.proconfig::text like '%search_path=%', false) as has_search_path, \
             has_function_privilege('public', p.oid, 'EXECUTE') as is_public \
         from pg_proc p join pg_namespace n on n.oid = p.pronamespace \
         where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema') order by 1",
    )
    .fetch_all(pool)
    .await
    .expect("Postgres answers");
    for of in definers {
        assert!(
            of.has_search_path,
            "{} takes the search path of its caller",
            of.name
        );
        assert!(!of.is_public, "everybody may call {}", of.name);
        text.push_str(&format!("- `{}`\n", of.name));
    }
    text
}

const HEADER: &str = "\
# Rights in the database

Generated from the catalogue of a migrated database (projections/tests/it/rights.rs); do not edit.
`rights.sql` states what is here, at each `clustergenie migrate`.

The owner is the role that migrates, or the role `clustergenie_service`, which processes act as.
Nobody else has any right, and an owner has all.
`N` is the number of a partition.
The generation 1 of each read model stands for all.

| relation | owner | row-level security | policies | clustergenie_reader | clustergenie_service | public |
|---|---|---|---|---|---|---|
";

const DEFINERS: &str = "
Functions that run with the rights of the owner, which only `clustergenie_service` may call:

";

#[tokio::test]
async fn the_rights_are_those_that_are_declared() {
    let database = TestDatabase::new().await;
    let found = table(&database.pool()).await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/rights.md");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &found).expect("is written");
    }
    let declared = fs::read_to_string(&file).expect("the file is there");
    assert_eq!(
        found, declared,
        "UPDATE_GOLDEN=1 writes what is found, if it is meant"
    );
}

/// A database as the program before the service role left it, with tables of read models that the migrating role owns.
async fn older() -> World {
    let world = World::new().await;
    sqlx::raw_sql(
        "drop schema es, process, projections, clustergenie_schema, read_v1 cascade; \
         do $$ declare n text; begin \
             for n in select nspname from pg_namespace where nspname ~ '_1$' loop \
                 execute format('drop schema %I cascade', n); \
             end loop; \
         end $$",
    )
    .execute(&world.pool)
    .await
    .expect("Postgres answers");
    MIGRATOR
        .run_to(20_261_130_000_400, &world.pool)
        .await
        .expect("migrates");
    for model in projections::all() {
        let (name, version) = (model.name(), model.version());
        let mut statements = format!(
            "create schema {name}_1; set local search_path = {name}_1; {}; create schema if not exists read_v1; \
             grant usage on schema read_v1 to clustergenie_reader;",
            model.tables()
        );
        for view in model.views() {
            statements.push_str(&format!(
                "create view {schema}.{name} with (security_invoker = true) as {query}; \
                 grant select on {schema}.{name} to clustergenie_reader;",
                schema = view.schema,
                name = view.name,
                query = view.query
            ));
        }
        statements.push_str("set local search_path to default");
        let mut transaction = world.pool.begin().await.expect("begins");
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut *transaction)
            .await
            .expect("is made");
        generation::begin(&mut *transaction, name, version)
            .await
            .expect("begins");
        transaction.commit().await.expect("commits");
    }
    world
}

#[tokio::test]
async fn an_upgrade_hands_over_what_processes_must_own() {
    let mut world = older().await;
    for _ in 0..2 {
        migrate::migrate(&world.pool).await.expect("migrates");
        projections::tables::migrate(&world.pool)
            .await
            .expect("finds all tables");
    }
    migrate::check(&world.pool)
        .await
        .expect("nothing is missing");
    let declared = include_str!("../../../schema/rights.md");
    assert_eq!(table(&world.pool).await, declared);
    event_store::incarnation::ensure(&world.pool)
        .await
        .expect("it begins");
    // A process replaces and drops what an older program made.
    world.pool = world.database.pool_for(Purpose::Consumers).await;
    let made = rebuild::request(&world.pool, &Rows(Droplets), "ann", "a test").await;
    assert_eq!(made.expect("is asked for"), 2);
    let _rebuilder = rebuilder(&world, "process", vec![Arc::new(Rows(Droplets))]);
    await_states(&world, "droplets", &["RETIRED", "SERVING"]).await;
    testkit::wait::until("the older tables are dropped", async || {
        let dropped: bool = sqlx::query_scalar("select to_regnamespace('droplets_1') is null")
            .fetch_one(&world.pool)
            .await
            .expect("Postgres answers");
        dropped.then_some(())
    })
    .await;
}
