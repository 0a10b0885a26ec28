//! Objects that are reached from others, by several ids or by their exact name.

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::{TestApi, text};

#[tokio::test]
async fn several_objects_are_found_by_their_ids_in_the_order_of_these() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let droplet = operator.droplet("web-1").await;
    let job = operator.job(&droplet).await;
    api.platform.settle().await;
    let document =
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Droplet { name } } }";
    let nobody = "Droplet:01923f4a-8c00-7000-8000-000000000001";
    let ids = json!({ "ids": [job, nobody, droplet, job] });
    let data = operator.data(document, ids).await;
    let of_job = json!({ "__typename": "Job", "id": job });
    let of_droplet = json!({ "__typename": "Droplet", "id": droplet, "name": "web-1" });
    assert_eq!(data["nodes"], json!([of_job, null, of_droplet, of_job]));
    // A job with the UUID of the droplet is another object.
    let uuid = droplet.strip_prefix("Droplet:").expect("it has its type");
    let ids = json!({ "ids": [droplet, format!("Job:{uuid}"), format!("Cluster:{uuid}")] });
    let data = operator.data(document, ids).await;
    assert_eq!(data["nodes"], json!([of_droplet, null, null]));
    let data = operator.data(document, json!({ "ids": [] })).await;
    assert_eq!(data["nodes"], json!([]));
    for bad in [json!(["x"]), json!(vec![droplet; 101])] {
        let code = operator.code(document, json!({ "ids": bad })).await;
        assert_eq!(code, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn a_living_resource_is_found_by_its_exact_name() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    let other = agent.droplet("web-10").await;
    let cluster = agent.done("createCluster", json!({ "name": "blue" })).await;
    api.platform.settle().await;
    let document = "query ($name: String!) { dropletByName(name: $name) { id } clusterByName(name: $name) { id } }";
    for (name, droplet, of_cluster) in [
        ("web-1", json!({ "id": id }), Value::Null),
        (
            "blue",
            Value::Null,
            json!({ "id": cluster["cluster"]["id"] }),
        ),
        ("web", Value::Null, Value::Null),
        ("WEB-1", Value::Null, Value::Null),
    ] {
        let data = agent.data(document, json!({ "name": name })).await;
        assert_eq!(data["dropletByName"], droplet, "{name}");
        assert_eq!(data["clusterByName"], of_cluster, "{name}");
    }
    // A deleted one gives its name up.
    agent.done("deleteDroplet", json!({ "id": other })).await;
    let deleted = agent
        .done("reportDropletDeleted", json!({ "id": other }))
        .await;
    let token = text(deleted["consistencyToken"].clone());
    let data = agent
        .showing(&token)
        .data(document, json!({ "name": "web-10" }))
        .await;
    assert_eq!(data["dropletByName"], Value::Null);
}

#[tokio::test]
async fn a_droplet_leads_to_its_catalogue_entries_and_its_jobs() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let droplet = operator.droplet("web-1").await;
    let job = operator.job(&droplet).await;
    api.platform.settle().await;
    let document = "query ($id: ID!) { droplet(id: $id) { sizeSlug size { slug vcpus } region { slug name } \
        image { slug name } jobs(first: 9) { totalCount nodes { id droplet { name } } } cluster { id } } \
        catalogue { sizes { slug } } }";
    let data = operator.data(document, json!({ "id": droplet })).await;
    let droplet = &data["droplet"];
    assert_eq!(droplet["size"]["slug"], droplet["sizeSlug"]);
    assert_eq!(droplet["size"]["vcpus"], 1);
    assert_eq!(droplet["region"]["slug"], "nyc3");
    assert_eq!(droplet["image"]["slug"], "ubuntu-24-04-x64");
    let jobs = json!({ "totalCount": 1, "nodes": [{ "id": job, "droplet": { "name": "web-1" } }] });
    assert_eq!(droplet["jobs"], jobs);
    assert_eq!(droplet["cluster"], Value::Null);
}

#[tokio::test]
async fn events_lead_to_their_resources_and_are_filtered_by_actor_and_time() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent, Role::Auditor]);
    let droplet = agent.droplet("web-1").await;
    agent
        .done("renameDroplet", json!({ "id": droplet, "name": "web-2" }))
        .await;
    let job = agent.job(&droplet).await;
    api.platform.settle().await;
    let document = "{ events(first: 9) { nodes { resource { __typename id ... on Droplet { name } } } } \
        activity(first: 9) { nodes { resource { __typename id ... on Droplet { name } } } } }";
    let data = agent.data(document, Value::Null).await;
    let of_droplet =
        json!({ "resource": { "__typename": "Droplet", "id": droplet, "name": "web-2" } });
    let of_job = json!({ "resource": { "__typename": "Job", "id": job } });
    assert_eq!(
        data["events"]["nodes"],
        json!([of_droplet, of_droplet, of_job])
    );
    assert_eq!(
        data["activity"]["nodes"],
        json!([of_job, of_droplet, of_droplet])
    );
    for (filter, expected) in [
        ("actor: \"ada\"".to_owned(), 3),
        ("actor: \"bob\"".to_owned(), 0),
        (format!("resource: \"{droplet}\""), 2),
        ("from: \"2000-01-01T00:00:00Z\"".to_owned(), 3),
        ("until: \"2000-01-01T00:00:00Z\"".to_owned(), 0),
    ] {
        for list in ["events", "activity"] {
            let document = format!(
                "{{ {list}(first: 9, filter: {{ {filter} }}) {{ nodes {{ version: __typename }} }} }}"
            );
            let data = agent.data(&document, Value::Null).await;
            let found = data[list]["nodes"].as_array().map(Vec::len);
            assert_eq!(found, Some(expected), "{list}: {filter}");
        }
    }
}

#[tokio::test]
async fn the_viewer_is_who_sent_the_request() {
    let api = TestApi::start().await;
    let caller = api.caller(&[Role::Viewer, Role::Auditor]);
    let document = "{ viewer { subject organization roles expiresAt } }";
    let data = caller.data(document, Value::Null).await;
    let viewer = &data["viewer"];
    assert_eq!(viewer["subject"], "ada");
    assert_eq!(viewer["organization"], "acme");
    assert_eq!(viewer["roles"], json!(["VIEWER", "AUDITOR"]));
    assert!(viewer["expiresAt"].is_string());
}
