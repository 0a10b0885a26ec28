//! Every mutation does what it says, and shows what it wrote.

use api::identity::roles::Role;
use serde_json::json;

use crate::calling::TestApi;

#[tokio::test]
async fn a_droplet_lives_through_every_mutation() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let agent = api.caller(&[Role::Agent]);
    let id = operator.droplet("web-1").await;

    let renamed = operator
        .done("renameDroplet", json!({ "id": id, "name": "web-2" }))
        .await;
    assert_eq!(renamed["droplet"]["name"], "web-2");
    let tagged = operator
        .done("tagDroplet", json!({ "id": id, "tag": "env:prod" }))
        .await;
    assert_eq!(tagged["droplet"]["tags"], json!(["env:prod"]));
    let untagged = operator
        .done("untagDroplet", json!({ "id": id, "tag": "env:prod" }))
        .await;
    assert_eq!(untagged["droplet"]["tags"], json!([]));
    let protected = operator.done("protectDroplet", json!({ "id": id })).await;
    assert_eq!(protected["droplet"]["protected"], true);
    let unprotected = operator.done("unprotectDroplet", json!({ "id": id })).await;
    assert_eq!(unprotected["droplet"]["protected"], false);

    let addresses = json!([{ "kind": "PUBLIC", "ip": "192.0.2.17" }]);
    let active = agent
        .done(
            "reportDropletActive",
            json!({ "id": id, "addresses": addresses }),
        )
        .await;
    assert_eq!(active["droplet"]["status"], "ACTIVE");
    assert_eq!(active["droplet"]["addresses"], addresses);
    let deleting = operator.done("deleteDroplet", json!({ "id": id })).await;
    assert_eq!(deleting["droplet"]["status"], "DELETING");
    let deleted = agent
        .done("reportDropletDeleted", json!({ "id": id }))
        .await;
    assert_eq!(deleted["droplet"]["status"], "DELETED");
    assert_eq!(deleted["droplet"]["version"], "9");
}

#[tokio::test]
async fn a_droplet_can_fail() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    let failed = agent
        .done(
            "reportDropletFailed",
            json!({ "id": id, "reason": "unschedulable" }),
        )
        .await;
    assert_eq!(failed["droplet"]["status"], "FAILED");
    assert_eq!(failed["droplet"]["failureReason"], "unschedulable");
}

#[tokio::test]
async fn a_job_lives_through_every_mutation() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    let id = agent.job(&droplet).await;

    let started = agent
        .done("startJob", json!({ "id": id, "worker": "worker-7" }))
        .await;
    assert_eq!(started["job"]["status"], "RUNNING");
    assert_eq!(started["job"]["worker"], "worker-7");
    let progress = json!({ "id": id, "percent": 30, "message": "copying" });
    let progressed = agent.done("reportJobProgress", progress).await;
    assert_eq!(progressed["job"]["percent"], 30);
    assert_eq!(progressed["job"]["message"], "copying");
    let result = json!({ "rows": 42 });
    let succeeded = agent
        .done("succeedJob", json!({ "id": id, "result": result }))
        .await;
    assert_eq!(succeeded["job"]["status"], "SUCCEEDED");
    assert_eq!(succeeded["job"]["result"], result);
}

#[tokio::test]
async fn a_job_can_fail_or_be_cancelled() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let operator = api.caller(&[Role::Operator]);
    let droplet = agent.droplet("web-1").await;
    let failing = agent.job(&droplet).await;
    agent
        .done("startJob", json!({ "id": failing, "worker": "w" }))
        .await;
    let failed = agent
        .done(
            "failJob",
            json!({ "id": failing, "reason": "out of memory" }),
        )
        .await;
    assert_eq!(failed["job"]["status"], "FAILED");
    assert_eq!(failed["job"]["reason"], "out of memory");

    let unwanted = agent.job(&droplet).await;
    let cancelled = operator
        .done("cancelJob", json!({ "id": unwanted, "reason": "late" }))
        .await;
    assert_eq!(cancelled["job"]["status"], "CANCELLED");
    assert_eq!(cancelled["job"]["reason"], "late");
}

#[tokio::test]
async fn a_job_can_concern_a_cluster() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let input =
        json!({ "kind": "scale", "target": { "clusterLabel": "blue" }, "parameters": { "to": 3 } });
    let submitted = operator.done("submitJob", input).await;
    assert_eq!(submitted["job"]["runner"], "PLATFORM");
}

#[tokio::test]
async fn an_agent_says_when_something_happened() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let input = json!({
        "name": "web-1", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
        "provisioner": "AGENT", "occurredAt": "2023-01-01T00:00:07Z",
    });
    let provisioned = agent.done("provisionDroplet", input).await;
    assert_eq!(provisioned["droplet"]["createdAt"], "2023-01-01T00:00:07Z");
}
