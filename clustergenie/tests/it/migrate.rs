//! `clustergenie migrate`: what a role must be allowed, and what it finds.

use sqlx::{Connection, PgConnection};
use testkit::postgres::TestDatabase;

use super::login::{Login, server_execute};
use super::program::{Folder, printed, run, said, unique};

#[tokio::test]
async fn a_role_that_may_not_use_the_reader_is_told_the_statement_that_helps() {
    let _reader_exists = TestDatabase::new().await;
    let folder = Folder::new();
    let login = Login::new("").await;
    let url = login.own_database().await;
    let refused = run(&folder, &["migrate", "--database-url", &url]).await;
    assert_eq!(refused.status.code(), Some(1));
    for role in ["clustergenie_reader", "clustergenie_service"] {
        let grant = format!("grant {role} to {};", login.name);
        assert!(said(&refused).contains(&grant), "{}", said(&refused));
    }
    assert!(!said(&refused).contains("create role"), "it exists");
    login.remove().await;
}

#[tokio::test]
async fn a_role_with_createrole_migrates_an_empty_database() {
    let folder = Folder::new();
    // As in docs/operators.md. From Postgres 16 on the reader, which tests created, must be granted too.
    let login = Login::new("createrole").await;
    login.administers("clustergenie_reader").await;
    login.administers("clustergenie_service").await;
    let url = login.own_database().await;
    let migrated = run(&folder, &["migrate", "--database-url", &url]).await;
    assert!(migrated.status.success(), "{}", said(&migrated));
    login.remove().await;
}

#[tokio::test]
async fn a_role_that_owns_nothing_and_has_another_search_path_migrates_after_the_statements() {
    let _reader_exists = TestDatabase::new().await;
    for search_path in ["nowhere", "''", "other, pg_catalog", "\"$user\", public"] {
        let folder = Folder::new();
        let login = Login::new("").await;
        // Nobody may create anything in `public`, as from Postgres 15 on, nor temporary tables.
        let database = format!("{}_of_a_dba", login.name);
        server_execute(&format!("create database {database}")).await;
        server_execute(&format!(
            "revoke temporary on database {database} from public; \
             alter role {} set search_path = {search_path}",
            login.name
        ))
        .await;
        let url = login.url_of(&database);
        let migrate = ["migrate", "--database-url", &url];
        let refused = run(&folder, &migrate).await;
        assert_eq!(refused.status.code(), Some(1));
        let said_of_rights = said(&refused);
        let statements = said_of_rights
            .split('`')
            .nth(1)
            .expect("it tells the statements");
        for part in [
            "grant clustergenie_reader",
            "grant clustergenie_service",
            "grant create on",
            "grant temporary on",
        ] {
            assert!(statements.contains(part), "{part}: {said_of_rights}");
        }
        // Exactly what was told, by somebody who may.
        server_execute(statements).await;
        // Twice: the second finds what the first made.
        for _ in 0..2 {
            let migrated = run(&folder, &migrate).await;
            assert!(
                migrated.status.success(),
                "{search_path}: {}",
                said(&migrated)
            );
        }
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let foreign: Vec<String> = sqlx::query_scalar(
            "select relname::text from pg_class where relnamespace = 'public'::regnamespace",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        assert_eq!(foreign, [""; 0], "nothing is made in public");
        connection.close().await.unwrap();
        // The rest finds everything too.
        printed(&run(&folder, &["verify", "--database-url", &url]).await);
        server_execute(&format!("drop database {database} with (force)")).await;
        login.remove().await;
    }
}

#[tokio::test]
async fn the_bookkeeping_of_an_earlier_program_is_taken_over_and_that_of_others_is_left_alone() {
    let database = TestDatabase::new().await;
    let folder = Folder::new();
    let pool = database.pool();
    // As earlier programs left it, beside that of another program.
    let other = format!("other_{}", unique());
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "create schema {other}; \
         create table {other}._sqlx_migrations (like clustergenie_schema.migrations including all); \
         insert into {other}._sqlx_migrations values (1, 'of others', now(), true, '\\x00', 0); \
         alter table clustergenie_schema.migrations rename to _sqlx_migrations; \
         alter table clustergenie_schema._sqlx_migrations set schema public; \
         drop schema clustergenie_schema"
    )))
    .execute(&pool)
    .await
    .unwrap();
    for _ in 0..2 {
        let migrated = run(&folder, &["migrate", "--database-url", &database.url()]).await;
        assert!(migrated.status.success(), "{}", said(&migrated));
    }
    let same: bool = sqlx::query_scalar(
        "select array(select m from clustergenie_schema.migrations m order by version)::text \
         = array(select m from public._sqlx_migrations m order by version)::text",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(
        same,
        "running processes of the earlier program still find theirs"
    );
}
