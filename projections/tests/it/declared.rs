//! What a version of a read model declares never changes: the columns of its tables, which a program
//! finds as another one of the same version made them, and those of its views, which clients read.
//!
//! `UPDATE_GOLDEN=1 cargo test -p projections --test it declared` writes the file of a new version.

use std::path::Path;
use std::{env, fs};

use projections::model::{ReadModel, View};
use sqlx::PgPool;

use crate::world::World;

/// The columns of a table or view, a line each.
async fn columns(pool: &PgPool, schema: &str, name: &str) -> String {
    let columns: Vec<String> = sqlx::query_scalar(
        "select format('  %s %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod), \
             case when a.attnotnull then ' not null' end, \
             case when a.attcollation <> 0 and a.attcollation <> 'pg_catalog.\"default\"'::regcollation \
                 then ' collate ' || a.attcollation::regcollation end) \
         from pg_attribute a \
         where a.attrelid = format('%I.%I', $1::text, $2::text)::regclass \
             and a.attnum > 0 and not a.attisdropped \
         order by a.attnum",
    )
    .bind(schema)
    .bind(name)
    .fetch_all(pool)
    .await
    .expect("Postgres answers");
    columns.join("\n")
}

async fn declared(pool: &PgPool, model: &dyn ReadModel) -> String {
    let schema = format!("{}_1", model.name());
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class \
         where relnamespace = to_regnamespace($1) and relkind = 'r' order by relname",
    )
    .bind(&schema)
    .fetch_all(pool)
    .await
    .expect("Postgres answers");
    let mut text = String::new();
    for table in tables {
        let columns = columns(pool, &schema, &table).await;
        text.push_str(&format!("table {table}\n{columns}\n\n"));
    }
    for view in model.views() {
        let columns = columns(pool, view.schema, view.name).await;
        let (schema, name) = (view.schema, view.name);
        text.push_str(&format!("view {schema}.{name}\n{columns}\n\n"));
    }
    format!("{}\n", text.trim_end())
}

#[tokio::test]
async fn every_column_of_a_view_has_a_comment() {
    let world = World::new().await;
    let silent: Vec<String> = sqlx::query_scalar(
        "select format('%s.%s', c.relname, a.attname) from pg_attribute a \
         join pg_class c on c.oid = a.attrelid \
         where c.relnamespace = 'read_v1'::regnamespace and a.attnum >= 0 \
             and col_description(c.oid, a.attnum) is null",
    )
    .fetch_all(&world.pool)
    .await
    .expect("Postgres answers");
    assert_eq!(silent, [""; 0]);
    let about: Option<String> =
        sqlx::query_scalar("select obj_description('read_v1.droplets'::regclass)")
            .fetch_one(&world.pool)
            .await
            .expect("Postgres answers");
    assert!(
        about
            .expect("it has a comment")
            .contains("one row a droplet")
    );
}

/// The columns of a golden file's view, in order.
fn view_of(file: &Path, view: &View) -> Vec<String> {
    let text = fs::read_to_string(file).expect("the file is read");
    let head = format!("view {}.{}", view.schema, view.name);
    let lines = text.lines().skip_while(|line| *line != head).skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_view_begins_with_the_columns_that_it_had_in_the_version_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for model in projections::all() {
        for version in 2..=model.version() {
            for view in model.views() {
                let file = |version| folder.join(format!("{}.v{version}.txt", model.name()));
                let (before, after) = (
                    view_of(&file(version - 1), view),
                    view_of(&file(version), view),
                );
                assert_eq!(
                    after.get(..before.len()),
                    Some(before.as_slice()),
                    "{}",
                    view.name
                );
            }
        }
    }
}

#[tokio::test]
async fn the_columns_of_a_version_are_those_that_it_had() {
    let world = World::new().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for model in projections::all() {
        let declared = declared(&world.pool, model.as_ref()).await;
        let file = format!("{}.v{}.txt", model.name(), model.version());
        let path = folder.join(&file);
        if !path.exists() && env::var_os("UPDATE_GOLDEN").is_some_and(|set| set == "1") {
            fs::write(&path, &declared).expect("the file is written");
        }
        let golden = fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{file}: {error}; write it with UPDATE_GOLDEN=1, read it and commit it")
        });
        assert_eq!(
            declared, golden,
            "{file}: raise the version of the model, and write the file of the new version"
        );
    }
}
