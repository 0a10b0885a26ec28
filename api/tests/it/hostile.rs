//! Hostile documents: none of them runs.

use std::sync::Arc;

use api::graph::execute::schema::ExecutableSchema;
use api::pipeline::{Pipeline, Rules};
use api::schema::Platform;
use serde_json::{Value, json};
use testkit::hostile;

use crate::calling::{json_of, request};

/// The codes by which a document is refused before anything of it runs.
const REFUSALS: [&str; 4] = [
    "LIMIT_EXCEEDED",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "BAD_USER_INPUT",
];

#[tokio::test]
async fn every_hostile_document_is_refused() {
    let schema = Arc::new(ExecutableSchema::new::<Platform>());
    let pipeline = Pipeline::new(schema, Arc::new(()), Rules::default());
    let documents = hostile::documents();
    assert!(documents.len() > 100);
    for (name, document) in documents {
        let request = request(&document, Value::Null, None);
        let response = json_of(&pipeline.execute(request).await);
        assert_eq!(response["data"], Value::Null, "{name}");
        let codes = response["errors"].as_array().unwrap().iter();
        for error in codes {
            let code = error["extensions"]["code"].as_str().unwrap();
            assert!(REFUSALS.contains(&code), "{name}: {error}");
        }
    }
}

#[tokio::test]
async fn a_long_variable_counts_for_each_field_that_it_is_given_to() {
    let schema = Arc::new(ExecutableSchema::new::<Platform>());
    let pipeline = Pipeline::new(schema, Arc::new(()), Rules::default());
    // With fragments, 729 lists had a copy of the filter each: 4 GB, before their price was known.
    let twice = "query ($filter: JobFilter) { a: jobs(first: 1, filter: $filter) { totalCount } \
        b: jobs(first: 1, filter: $filter) { totalCount } }";
    let long = json!({ "filter": { "kinds": vec![""; 83_000] } });
    let response = json_of(&pipeline.execute(request(twice, long.clone(), None)).await);
    let error = &response["errors"][0]["extensions"];
    assert_eq!(error["limit"], "argument_bytes", "{response}");
    let once = "query ($filter: JobFilter) { jobs(first: 1, filter: $filter) { totalCount } }";
    let response = json_of(&pipeline.execute(request(once, long, None)).await);
    let error = &response["errors"][0]["extensions"];
    assert_eq!(error["code"], "UNAUTHENTICATED", "{response}");
}
