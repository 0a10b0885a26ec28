//! Hostile documents: none of them runs.

use api::admission::entry::{Admission, Rules};
use api::schema;
use serde_json::Value;
use testkit::hostile;

/// The codes by which a document is refused before anything of it runs.
const REFUSALS: [&str; 3] = [
    "LIMIT_EXCEEDED",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
];

#[tokio::test]
async fn every_hostile_document_is_refused() {
    let schema = schema::builder()
        .extension(Admission::new(Rules::default()))
        .finish();
    let documents = hostile::documents();
    assert!(documents.len() > 100);
    for (name, document) in documents {
        let response = schema.execute(document).await;
        let response = serde_json::to_value(&response).unwrap();
        assert_eq!(response["data"], Value::Null, "{name}");
        let codes = response["errors"].as_array().unwrap().iter();
        for error in codes {
            let code = error["extensions"]["code"].as_str().unwrap();
            assert!(REFUSALS.contains(&code), "{name}: {error}");
        }
    }
}
