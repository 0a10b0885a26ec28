//! Reads only the columns that a document needs: every field has the same value alone as beside all others.

use api::identity::roles::Role;
use serde_json::{Map, Value, json};

use crate::calling::{TestApi, text};

/// The lists whose items are rows of read models, and the types of the items.
const LISTS: [(&str, &str); 4] = [
    ("droplets", "Droplet"),
    ("jobs", "Job"),
    ("clusters", "Cluster"),
    ("activity", "Activity"),
];

#[tokio::test]
async fn a_field_has_the_same_value_alone_as_beside_all_others() {
    let api = filled().await;
    let viewer = api.caller(&[Role::Viewer]);
    for (list, type_name) in LISTS {
        let fields = fields(&viewer.data(TYPES, json!({ "name": type_name })).await);
        let together = format!(
            "{{ {list}(first: 50) {{ nodes {{ {} }} }} }}",
            fields.join(" ")
        );
        let together = viewer.data(&together, Value::Null).await[list]["nodes"].take();
        assert!(
            together.as_array().is_some_and(|items| !items.is_empty()),
            "{list}"
        );
        for field in &fields {
            let alone = format!("{{ {list}(first: 50) {{ nodes {{ {field} }} }} }}");
            let alone = viewer.data(&alone, Value::Null).await[list]["nodes"].take();
            let name = field
                .split([' ', '('])
                .next()
                .expect("a split has a first part");
            let expected: Vec<_> = together
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| Value::Object(Map::from_iter([(name.to_owned(), item[name].clone())])))
                .collect();
            assert_eq!(alone, Value::Array(expected), "{list}: {field}");
        }
    }
}

const TYPES: &str = "query ($name: String!) { __type(name: $name) { fields { name type { kind ofType { kind \
    ofType { kind ofType { kind } } } } } } }";

/// Selections of all fields of a type, each with something below it if it must have that.
fn fields(answer: &Value) -> Vec<String> {
    let fields = answer["__type"]["fields"]
        .as_array()
        .expect("a type has fields");
    let selected = fields.iter().map(|field| {
        let name = field["name"].as_str().expect("a field has a name");
        let mut of = &field["type"];
        let mut is_object = false;
        while !of.is_null() {
            is_object |= matches!(of["kind"].as_str(), Some("OBJECT" | "INTERFACE"));
            of = &of["ofType"];
        }
        match (is_object, name) {
            (true, "jobs" | "droplets") => format!("{name}(first: 3) {{ nodes {{ id version }} }}"),
            (true, "addresses") => format!("{name} {{ kind ip }}"),
            (true, "priceHourly" | "priceMonthly") => format!("{name} {{ display }}"),
            (true, "size" | "region" | "image") => format!("{name} {{ slug }}"),
            (true, "resource") => {
                format!("{name} {{ id ... on Droplet {{ tags }} ... on Job {{ percent }} }}")
            }
            (true, _) => format!("{name} {{ id version }}"),
            (false, _) => name.to_owned(),
        }
    });
    selected.collect()
}

/// A platform whose rows have other values than the placeholders of columns that are not read.
async fn filled() -> TestApi {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin, Role::Agent, Role::Operator]);
    let input = json!({ "name": "blue", "description": "web", "minimumNodes": 1 });
    let cluster = admin.done("createCluster", input).await["cluster"]["id"].take();
    let input = json!({
        "name": "web-1", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
        "provisioner": "AGENT", "tags": ["env:prod"], "cluster": cluster,
    });
    let droplet = text(admin.done("provisionDroplet", input).await["droplet"]["id"].take());
    let addresses = json!([{ "kind": "PUBLIC", "ip": "192.0.2.17" }]);
    let input = json!({ "id": droplet, "addresses": addresses });
    admin.done("reportDropletActive", input).await;
    let failing = admin.droplet("web-2").await;
    let input = json!({ "id": failing, "reason": "no room" });
    admin.done("reportDropletFailed", input).await;
    let input = json!({
        "kind": "batch", "target": { "droplet": droplet }, "runner": "AGENT", "maxAttempts": 3,
        "parameters": { "step": 1 },
    });
    let job = admin.done("submitJob", input).await["job"]["id"].take();
    admin
        .done("startJob", json!({ "id": job, "worker": "worker-7" }))
        .await;
    let input = json!({ "id": job, "percent": 40, "message": "halfway" });
    admin.done("reportJobProgress", input).await;
    admin
        .done("succeedJob", json!({ "id": job, "result": { "ok": true } }))
        .await;
    api.platform.settle().await;
    api
}
