//! What a caller can put right is told in `userErrors`, everything at once.

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::{TestApi, mutation, text};

fn problems(payload: &Value) -> Vec<(String, Value)> {
    let errors = payload["userErrors"].as_array().into_iter().flatten();
    errors
        .map(|error| {
            assert!(!text(error["message"].clone()).is_empty());
            (text(error["code"].clone()), error["field"].clone())
        })
        .collect()
}

fn problem(code: &str, field: Value) -> (String, Value) {
    (code.to_owned(), field)
}

#[tokio::test]
async fn everything_wrong_with_an_input_is_told_at_once() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let input = json!({
        "name": "web_1", "size": "S", "region": "nyc3", "image": "", "tags": ["ok", "not ok"],
        "cluster": "Blue",
    });
    let payload = operator.mutate("provisionDroplet", input).await;
    let invalid = |field| problem("INVALID_VALUE", field);
    assert_eq!(
        problems(&payload),
        [
            invalid(json!(["input", "name"])),
            invalid(json!(["input", "size"])),
            invalid(json!(["input", "image"])),
            invalid(json!(["input", "tags", "1"])),
            problem("INVALID_ID", json!(["input", "cluster"])),
        ]
    );
    assert_eq!(payload["droplet"], Value::Null);
    assert_eq!(payload["consistencyToken"], Value::Null);
}

#[tokio::test]
async fn a_broken_rule_is_named_with_its_field() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let id = operator.droplet("web-1").await;
    let input = json!({
        "name": "web-1", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
    });
    let taken = operator.mutate("provisionDroplet", input).await;
    let name = json!(["input", "name"]);
    assert_eq!(problems(&taken), [problem("NAME_TAKEN", name)]);

    operator.done("protectDroplet", json!({ "id": id })).await;
    let refused = operator.mutate("deleteDroplet", json!({ "id": id })).await;
    let expected = problem("DROPLET_PROTECTED", Value::Null);
    assert_eq!(problems(&refused), [expected]);
}

#[tokio::test]
async fn ids_of_nothing_and_of_other_things_are_refused() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let droplet = operator.droplet("web-1").await;
    let id = json!(["input", "id"]);
    for bad in ["", "web-1", "Job:01923f4a-8c00-7000-8000-000000000001"] {
        let payload = operator
            .mutate("protectDroplet", json!({ "id": bad }))
            .await;
        assert_eq!(problems(&payload), [problem("INVALID_ID", id.clone())]);
    }
    let payload = operator
        .mutate("cancelJob", json!({ "id": droplet, "reason": "" }))
        .await;
    assert_eq!(problems(&payload), [problem("INVALID_ID", id.clone())]);
    let nobody = "Droplet:01923f4a-8c00-7000-8000-000000000001";
    let payload = operator
        .mutate("protectDroplet", json!({ "id": nobody }))
        .await;
    let expected = problem("DROPLET_NOT_FOUND", id);
    assert_eq!(problems(&payload), [expected]);
}

#[tokio::test]
async fn inputs_of_jobs_are_checked() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    let input = json!({
        "kind": "Batch", "target": { "clusterLabel": "Blue" }, "parameters": [1],
        "maxAttempts": 1000,
    });
    let payload = agent.mutate("submitJob", input).await;
    let invalid = |field: &str| problem("INVALID_VALUE", json!(["input", field]));
    let label = problem("INVALID_VALUE", json!(["input", "target", "clusterLabel"]));
    assert_eq!(
        problems(&payload),
        [
            invalid("kind"),
            label,
            invalid("parameters"),
            invalid("maxAttempts")
        ]
    );
    for target in [
        json!({}),
        json!({ "droplet": droplet, "clusterLabel": "blue" }),
    ] {
        let input = json!({ "input": { "kind": "batch", "target": target } });
        let code = agent.code(&mutation("submitJob", ""), input).await;
        assert_eq!(code, "BAD_USER_INPUT");
    }
    let target = json!({ "droplet": droplet });
    let input = json!({ "kind": "batch", "target": target, "maxAttempts": 11 });
    let payload = agent.mutate("submitJob", input).await;
    let attempts = json!(["input", "maxAttempts"]);
    assert_eq!(problems(&payload), [problem("INVALID_ATTEMPTS", attempts)]);

    let job = agent.job(&droplet).await;
    let payload = agent
        .mutate("reportJobProgress", json!({ "id": job, "percent": -1 }))
        .await;
    assert_eq!(problems(&payload), [invalid("percent")]);
    let payload = agent
        .mutate("startJob", json!({ "id": job, "worker": " w" }))
        .await;
    assert_eq!(problems(&payload), [invalid("worker")]);
}

#[tokio::test]
async fn a_bad_address_is_found_in_its_list() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    let addresses = json!([
        { "kind": "PUBLIC", "ip": "192.0.2.17" },
        { "kind": "PRIVATE", "ip": "192.0.2.256" },
    ]);
    let payload = agent
        .mutate(
            "reportDropletActive",
            json!({ "id": id, "addresses": addresses }),
        )
        .await;
    let field = json!(["input", "addresses", "1", "ip"]);
    assert_eq!(problems(&payload), [problem("INVALID_VALUE", field)]);
}

#[tokio::test]
async fn only_agents_say_when_and_not_in_the_future() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator, Role::Admin]);
    let agent = api.caller(&[Role::Agent]);
    let id = operator.droplet("web-1").await;
    let field = json!(["input", "occurredAt"]);
    let at = |time: &str| json!({ "id": id, "occurredAt": time });
    let payload = operator
        .mutate("protectDroplet", at("2023-01-01T00:00:00Z"))
        .await;
    let expected = problem("OCCURRED_AT_FORBIDDEN", field.clone());
    assert_eq!(problems(&payload), [expected]);
    let payload = agent
        .mutate("protectDroplet", at("2999-01-01T00:00:00Z"))
        .await;
    let expected = problem("OCCURRED_AT_IN_FUTURE", field.clone());
    assert_eq!(problems(&payload), [expected]);
    let payload = agent
        .mutate("protectDroplet", at("0001-01-01T00:00:00Z"))
        .await;
    assert_eq!(
        problems(&payload),
        [problem("OCCURRED_AT_TOO_EARLY", field)]
    );
}
