//! `@idempotent(key:)`: sent twice, done once.

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::{Caller, TestApi, code_of, mutation};

async fn provision(caller: &Caller, name: &str, key: &str) -> Value {
    let input = json!({
        "name": name, "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
    });
    let document = mutation("provisionDroplet", "@idempotent(key: $key)")
        .replace("($input", "($key: String!, $input");
    let variables = json!({ "input": input, "key": key });
    caller.response(&document, variables).await
}

#[tokio::test]
async fn the_same_key_and_input_give_the_first_receipt() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let first = provision(&operator, "web-1", "k").await;
    let again = provision(&operator, "web-1", "k").await;
    assert!(first["data"]["provisionDroplet"]["droplet"]["id"].is_string());
    assert_eq!(again, first);
}

#[tokio::test]
async fn the_same_key_and_another_input_are_an_error() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    provision(&operator, "web-1", "k").await;
    let other = provision(&operator, "web-2", "k").await;
    assert_eq!(code_of(&other), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn organizations_do_not_share_keys() {
    let api = TestApi::start().await;
    let first = provision(&api.caller(&[Role::Operator]), "web-1", "k").await;
    let other = api.caller_of("globex", &[Role::Operator]);
    let second = provision(&other, "web-1", "k").await;
    let id = |response: &Value| response["data"]["provisionDroplet"]["droplet"]["id"].clone();
    assert!(id(&second).is_string());
    assert_ne!(id(&first), id(&second));
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_told() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    for bad in ["", "a\nb", "\0", &"k".repeat(256)] {
        let response = provision(&operator, "web-1", bad).await;
        let errors = &response["data"]["provisionDroplet"]["userErrors"];
        assert_eq!(errors[0]["code"], "INVALID_IDEMPOTENCY_KEY", "{response}");
    }
}
