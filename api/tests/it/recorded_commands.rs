//! Commands as auditors read them: accepted ones, refused ones, and denied ones.

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::TestApi;

const PROVISION: &str = "mutation ($name: String!) { provisionDroplet(input: { \
     name: $name, size: \"s-1vcpu-1gb\", region: \"nyc3\", image: \"ubuntu-24-04-x64\", provisioner: AGENT \
     }) { droplet { id } consistencyToken userErrors { code } } }";

const COMMANDS: &str = "query ($filter: CommandFilter, $after: String) { \
     commands(first: 2, after: $after, filter: $filter) { \
         asOf pageInfo { hasNextPage endCursor } \
         nodes { commandId name outcome rule times resourceType resourceId actor credential recordedAt program \
             input basis counts source correlationId causationId occurredAt resource { __typename } } } }";

async fn names(server: &TestApi, filter: Value) -> Vec<String> {
    let auditor = server.caller(&[Role::Auditor]);
    let found = auditor.data(COMMANDS, json!({ "filter": filter })).await;
    let nodes = found["commands"]["nodes"].as_array().expect("a list");
    let name = |node: &Value| {
        let outcome = node["outcome"].as_str().expect("a name");
        format!("{} {outcome}", node["name"].as_str().expect("a name"))
    };
    nodes.iter().map(name).collect()
}

#[tokio::test]
async fn auditors_see_what_was_tried() {
    let server = TestApi::start().await;
    let operator = server.caller(&[Role::Operator]);
    let made = operator.data(PROVISION, json!({ "name": "web" })).await;
    let droplet = &made["provisionDroplet"]["droplet"]["id"];
    let refused = operator.data(PROVISION, json!({ "name": "web" })).await;
    assert_eq!(
        refused["provisionDroplet"]["userErrors"][0]["code"],
        "NAME_TAKEN"
    );
    let viewer = server.caller(&[Role::Viewer]);
    let denied =
        "mutation ($id: ID!) { deleteDroplet(input: { id: $id }) { userErrors { code } } }";
    let denied = viewer.response(denied, json!({ "id": droplet })).await;
    assert_eq!(denied["errors"][0]["extensions"]["code"], "FORBIDDEN");

    let auditor = server.caller(&[Role::Auditor]);
    let first = auditor.data(COMMANDS, Value::Null).await;
    let page = &first["commands"];
    let (newest, before) = (&page["nodes"][0], &page["nodes"][1]);
    assert_eq!(
        [&newest["name"], &newest["outcome"], &newest["rule"]],
        ["delete_droplet", "DENIED", "COMMAND"]
    );
    assert_eq!(newest["input"], json!({ "id": droplet }));
    assert_eq!(newest["resourceId"], Value::Null);
    assert_eq!(
        [&before["name"], &before["outcome"], &before["rule"]],
        ["provision_droplet", "REJECTED", "NAME_TAKEN"]
    );
    assert_eq!(
        before["basis"]["met"]["name"],
        json!(["droplet_name", "web"])
    );
    let next = json!({ "after": page["pageInfo"]["endCursor"] });
    let second = auditor.data(COMMANDS, next).await;
    let accepted = &second["commands"]["nodes"][0];
    assert_eq!(accepted["outcome"], "ACCEPTED");
    assert_eq!(&accepted["resourceId"], droplet);
    assert_eq!(accepted["resourceType"], "DROPLET");
    assert_eq!(accepted["source"], "API");
    assert_eq!(accepted["actor"], "ada");
    assert_eq!(second["commands"]["pageInfo"]["hasNextPage"], false);

    assert_eq!(
        names(&server, json!({ "outcomes": ["REJECTED"] })).await,
        ["provision_droplet REJECTED"]
    );
    assert_eq!(
        names(&server, json!({ "resource": droplet })).await,
        ["provision_droplet ACCEPTED"]
    );
    assert_eq!(
        names(
            &server,
            json!({ "names": ["delete_droplet"], "actor": "ada" })
        )
        .await,
        ["delete_droplet DENIED"]
    );
    let nothing: [&str; 0] = [];
    assert_eq!(names(&server, json!({ "outcomes": [] })).await, nothing);
    assert_eq!(names(&server, json!({ "actor": "ben" })).await, nothing);
    assert_eq!(
        names(&server, json!({ "until": "2020-01-01T00:00:00Z" })).await,
        nothing
    );
}

/// Postgres stores U+0000 in JSON, and cannot read a member of such JSON.
#[tokio::test]
async fn a_denied_command_with_a_character_that_postgres_cannot_read_hides_no_other() {
    let server = TestApi::start().await;
    let viewer = server.caller(&[Role::Viewer]);
    for name in ["web", "\0"] {
        let denied = viewer.response(PROVISION, json!({ "name": name })).await;
        assert_eq!(denied["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
    let auditor = server.caller(&[Role::Auditor]);
    let found = auditor.data(COMMANDS, Value::Null).await;
    let nodes = &found["commands"]["nodes"];
    assert!(nodes[0]["input"]["sha256"].is_string(), "{nodes}");
    assert_eq!(nodes[1]["input"]["name"], "web");
}

#[tokio::test]
async fn only_admins_and_auditors_of_the_organization_see_commands() {
    let server = TestApi::start().await;
    let operator = server.caller(&[Role::Operator]);
    operator.data(PROVISION, json!({ "name": "web" })).await;
    for role in [Role::Operator, Role::Viewer, Role::Analyst, Role::Agent] {
        let answer = server.caller(&[role]).response(COMMANDS, Value::Null).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
            "{role:?}"
        );
    }
    let admin = server
        .caller(&[Role::Admin])
        .data(COMMANDS, Value::Null)
        .await;
    assert_eq!(admin["commands"]["nodes"][0]["name"], "provision_droplet");
    let foreign = server.caller_of("other", &[Role::Auditor]);
    let foreign = foreign.data(COMMANDS, Value::Null).await;
    assert_eq!(foreign["commands"]["nodes"], json!([]));
}
