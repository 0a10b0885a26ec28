//! Hostile documents: none of them runs.

use std::sync::Arc;

use api::graph::execute::schema::ExecutableSchema;
use api::pipeline::{Pipeline, Rules};
use api::schema::Platform;
use serde_json::Value;
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
