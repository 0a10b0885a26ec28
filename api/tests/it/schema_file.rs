//! The published schema is the one that is served, and leaves nothing unexplained.

mod codes;
mod deprecation;

use std::path::PathBuf;
use std::{env, fs};

use api::identity::roles::Role;
use api::schema;
use serde_json::Value;

use crate::calling::TestApi;

/// Set to write the file anew.
const UPDATE: &str = "UPDATE_GOLDEN";

#[test]
fn the_published_schema_is_the_one_that_is_served() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schema/graphql/schema.graphql");
    let served = schema::sdl();
    if env::var_os(UPDATE).is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &served).unwrap();
    }
    let published = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        published == served,
        "schema/graphql/schema.graphql is not what is served: look at the difference after \
         `{UPDATE}=1 cargo test -p api --test it schema_file`"
    );
}

#[tokio::test]
async fn everything_in_the_schema_is_described() {
    let api = TestApi::start().await;
    let schema = api
        .caller(&[Role::Viewer])
        .data(include_str!("introspection.graphql"), Value::Null)
        .await;
    let mut silent = Vec::new();
    for kind in schema["__schema"]["types"].as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        // GraphQL's own are described by GraphQL.
        if name.starts_with("__") || name == "ID" {
            continue;
        }
        look(kind, name, &mut silent);
        for list in ["fields", "inputFields", "enumValues"] {
            for member in kind[list].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", member["name"].as_str().unwrap());
                look(member, &path, &mut silent);
                for argument in member["args"].as_array().into_iter().flatten() {
                    let name = argument["name"].as_str().unwrap();
                    look(argument, &format!("{path}({name}:)"), &mut silent);
                }
            }
        }
    }
    for directive in schema["__schema"]["directives"].as_array().unwrap() {
        let name = format!("@{}", directive["name"].as_str().unwrap());
        look(directive, &name, &mut silent);
    }
    assert!(silent.is_empty(), "not described: {silent:#?}");
}

fn look(described: &Value, path: &str, silent: &mut Vec<String>) {
    let description = described["description"].as_str().unwrap_or_default();
    if description.trim().is_empty() {
        silent.push(path.to_owned());
    }
}
