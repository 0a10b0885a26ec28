//! A field that fails is null where it may be, with an error at its path, and never missing.

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::TestApi;

#[tokio::test]
async fn a_forbidden_field_that_may_be_null_is_null_with_an_error_at_its_path() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let document = "{ platform { projections { name pause { by } p: pause { by } building { generation } } version } }";
    let response = viewer.response(document, Value::Null).await;
    let projections = response["data"]["platform"]["projections"].as_array();
    let projections = projections.expect("the list is answered");
    assert!(!projections.is_empty());
    let errors = response["errors"].as_array().expect("there are errors");
    assert_eq!(errors.len(), 3 * projections.len(), "{response}");
    for (number, projection) in projections.iter().enumerate() {
        assert!(projection["name"].is_string());
        for key in ["pause", "p", "building"] {
            assert_eq!(projection.get(key), Some(&Value::Null), "{projection}");
            let path = json!(["platform", "projections", number, key]);
            let error = errors.iter().find(|error| error["path"] == path);
            let error = error.unwrap_or_else(|| panic!("no error at {path}"));
            assert_eq!(error["extensions"]["code"], "FORBIDDEN");
            assert!(error["locations"][0]["line"].is_number());
        }
    }
    assert!(response["data"]["platform"]["version"].is_string());
}

#[tokio::test]
async fn a_forbidden_field_that_may_not_be_null_makes_the_whole_answer_null() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let document = "{ counts { jobsByKind { count } } events(first: 1) { nodes { type } } viewer { subject } }";
    let response = viewer.response(document, Value::Null).await;
    assert_eq!(response.get("data"), Some(&Value::Null), "{response}");
    assert_eq!(response["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(response["errors"][0]["path"], json!(["events"]));
    assert_eq!(response["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn a_mutation_that_fails_is_null_and_leaves_the_others_their_answers() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let id = operator.droplet("web-1").await;
    let document = "mutation ($id: ID!) { \
        first: protectDroplet(input: { id: $id }) { consistencyToken droplet { protected } } \
        forbidden: reportDropletDeleted(input: { id: $id }) { consistencyToken } \
        rejected: deleteDroplet(input: { id: $id }) { consistencyToken userErrors { code } } \
        last: unprotectDroplet(input: { id: $id }) { consistencyToken droplet { protected } } }";
    let response = operator.response(document, json!({ "id": id })).await;
    let data = &response["data"];
    assert!(data["first"]["consistencyToken"].is_string(), "{response}");
    assert_eq!(data["first"]["droplet"]["protected"], true);
    assert_eq!(data.get("forbidden"), Some(&Value::Null));
    assert_eq!(
        data["rejected"]["userErrors"],
        json!([{ "code": "DROPLET_PROTECTED" }])
    );
    assert!(data["last"]["consistencyToken"].is_string());
    assert_eq!(data["last"]["droplet"]["protected"], false);
    assert_eq!(response["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(response["errors"][0]["path"], json!(["forbidden"]));
    let keys: Vec<_> = data.as_object().expect("it is an object").keys().collect();
    assert_eq!(keys.len(), 4);
}
