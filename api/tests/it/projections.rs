//! What admins do to read models: who may, whose streams they see, and each mutation.

use api::identity::roles::Role;
use serde_json::{Value, json};
use testkit::events::record_nonsense;
use testkit::wait::until;

use crate::calling::{Caller, TestApi, code_of};

/// Mutations that concern all organizations, with an input.
const OF_ALL: [(&str, &str); 4] = [
    ("pauseProjection", r#"projection: "jobs", reason: "a test""#),
    ("resumeProjection", r#"projection: "jobs""#),
    (
        "rebuildProjection",
        r#"projection: "jobs", reason: "a test""#,
    ),
    ("giveUpRebuild", r#"projection: "jobs""#),
];

/// Mutations that concern one stream, with an input.
const OF_ONE: [(&str, &str); 2] = [
    (
        "retryParkedStream",
        r#"projection: "jobs", resourceId: "x""#,
    ),
    (
        "skipParkedStream",
        r#"projection: "jobs", resourceId: "x", reason: "a test""#,
    ),
];

const FOR_ADMINS: [&str; 4] = [
    "pause { by }",
    "building { share }",
    "failure { differences }",
    "parked(first: 1) { nodes { resourceId } }",
];

#[tokio::test]
async fn only_admins_pass_and_of_those_that_concern_everybody_only_the_operators() {
    let api = TestApi::start().await;
    for (field, input) in OF_ALL.into_iter().chain(OF_ONE) {
        let document =
            format!("mutation {{ {field}(input: {{ {input} }}) {{ userErrors {{ code }} }} }}");
        for role in Role::ALL {
            let response = api.caller(&[role]).response(&document, Value::Null).await;
            if role == Role::Admin {
                assert_eq!(response.get("errors"), None, "{field}");
            } else {
                assert_eq!(code_of(&response), "FORBIDDEN", "{role:?} {field}");
            }
        }
        let elsewhere = api.caller_of("globex", &[Role::Admin]);
        let response = elsewhere.response(&document, Value::Null).await;
        if OF_ALL.contains(&(field, input)) {
            assert_eq!(code_of(&response), "FORBIDDEN", "{field}");
            let message = response["errors"][0]["message"].to_string();
            assert!(message.contains("--operators-org"), "{message}");
        } else {
            assert_eq!(response.get("errors"), None, "{field}");
        }
    }
    for field in FOR_ADMINS {
        let document = format!("{{ platform {{ projections {{ {field} }} }} }}");
        for role in Role::ALL {
            let response = api.caller(&[role]).response(&document, Value::Null).await;
            let refused = response.get("errors").is_some();
            assert_eq!(refused, role != Role::Admin, "{role:?} {field}");
        }
    }
    let document = "{ platform { projections { name version state skippedStreams } } }";
    for role in Role::ALL {
        let response = api.caller(&[role]).response(document, Value::Null).await;
        assert_eq!(response.get("errors"), None, "{role:?}");
    }
}

#[tokio::test]
async fn a_paused_read_model_says_so_and_stands_still_until_it_is_resumed() {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin]);
    admin.droplet("web-1").await;
    api.platform.settle().await;
    let input = json!({ "projection": "droplets", "reason": "the disk is full" });
    let paused = operate(
        &admin,
        "pauseProjection",
        input,
        "state pause { by reason }",
    )
    .await;
    let expected = json!({
        "state": "PAUSED", "pause": { "by": "ada", "reason": "the disk is full" },
    });
    assert_eq!(paused["projection"], expected);

    admin.droplet("web-2").await;
    until("the other read models have gone on", async || {
        let projections = projections(&admin, "name lagEvents").await;
        let lags = projections.iter().map(|p| (&p["name"], &p["lagEvents"]));
        let expected =
            |(name, lag): (&Value, &Value)| lag == if name == "droplets" { "1" } else { "0" };
        lags.into_iter().all(expected).then_some(())
    })
    .await;
    let input = json!({ "projection": "droplets" });
    let resumed = operate(
        &admin,
        "resumeProjection",
        input.clone(),
        "state pause { by }",
    )
    .await;
    assert_eq!(
        resumed["projection"],
        json!({ "state": "FOLLOWING", "pause": null })
    );
    api.platform.settle().await;
    // Once more changes nothing.
    operate(&admin, "resumeProjection", input, "state").await;
}

#[tokio::test]
async fn a_rebuild_is_asked_for_once_and_given_up() {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin]);
    let input = json!({ "projection": "counts", "reason": "a test" });
    let shown =
        "generation building { generation stage share remainingSeconds requestedBy reason }";
    let asked = operate(&admin, "rebuildProjection", input.clone(), shown).await;
    let expected = json!({
        "generation": 1,
        "building": {
            "generation": 2, "stage": "FILLING", "share": 1.0, "remainingSeconds": 0.0,
            "requestedBy": "ada", "reason": "a test",
        },
    });
    assert_eq!(asked["projection"], expected);
    let again = mutate(&admin, "rebuildProjection", input, "name").await;
    assert_eq!(
        problems(&again),
        [("REBUILD_IN_THE_MAKING", json!(["input", "projection"]))]
    );
    assert_eq!(again["projection"], Value::Null);
    let given_up = operate(
        &admin,
        "giveUpRebuild",
        json!({ "projection": "counts" }),
        shown,
    )
    .await;
    assert_eq!(
        given_up["projection"],
        json!({ "generation": 1, "building": null })
    );
}

#[tokio::test]
async fn an_organization_sees_and_deals_with_its_own_parked_streams_only() {
    let api = TestApi::start().await;
    let ours = api.caller(&[Role::Admin]);
    let theirs = api.caller_of("globex", &[Role::Admin]);
    let id = ours.droplet("web-1").await;
    api.platform.settle().await;
    let (_, uuid) = id.split_once(':').expect("ids have a type");
    record_nonsense(&api.platform.pool(), uuid.parse().expect("is a UUID")).await;
    let parked = until("the stream is parked", async || {
        let parked = parked(&ours).await;
        (!parked.is_empty()).then_some(parked)
    })
    .await;
    assert_eq!(parked.len(), 1);
    let stream = &parked[0];
    assert_eq!(
        (&stream["resourceId"], &stream["eventType"]),
        (&json!(id), &json!("droplet_sold"))
    );
    assert_eq!(
        (&stream["attempts"], &stream["waiting"]),
        (&json!(1), &json!("0"))
    );
    assert!(
        stream["reason"]
            .as_str()
            .is_some_and(|error| error.contains("droplet_sold"))
    );
    assert_eq!(self::parked(&theirs).await, [] as [Value; 0]);

    let retry = json!({ "projection": "droplets", "resourceId": id });
    let skip = json!({ "projection": "droplets", "resourceId": id, "reason": "sold" });
    let not_parked = [("STREAM_NOT_PARKED", json!(["input", "resourceId"]))];
    for (field, input) in [("retryParkedStream", &retry), ("skipParkedStream", &skip)] {
        let refused = mutate(&theirs, field, input.clone(), "name").await;
        assert_eq!(problems(&refused), not_parked, "{field}");
    }

    let document = "mutation ($input: RetryParkedStreamInput!) { retryParkedStream(input: $input) { \
         applied parked projection { parkedStreams } userErrors { code } } }";
    let tried = ours.data(document, json!({ "input": retry })).await;
    let expected = json!({
        "applied": 0, "parked": 1, "projection": { "parkedStreams": "1" }, "userErrors": [],
    });
    assert_eq!(tried["retryParkedStream"], expected);
    let stream = &self::parked(&ours).await[0];
    assert_eq!(
        (&stream["attempts"], &stream["skippedBy"]),
        (&json!(2), &Value::Null)
    );

    let skipped = operate(
        &ours,
        "skipParkedStream",
        skip,
        "parkedStreams skippedStreams",
    )
    .await;
    let expected = json!({ "parkedStreams": "0", "skippedStreams": "1" });
    assert_eq!(skipped["projection"], expected);
    let stream = &self::parked(&ours).await[0];
    assert_eq!(
        (&stream["skippedBy"], &stream["skippedReason"]),
        (&json!("ada"), &json!("sold"))
    );
}

#[tokio::test]
async fn a_stream_whose_event_can_be_applied_now_goes_on() {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin]);
    let id = admin.droplet("web-1").await;
    api.platform.settle().await;
    let (_, uuid) = id.split_once(':').expect("ids have a type");
    api.platform.park_next("droplets", uuid).await;
    admin
        .done("tagDroplet", json!({ "id": id, "tag": "env:prod" }))
        .await;
    api.platform.settle().await;
    let document = "query ($id: ID!) { droplet(id: $id) { tags } }";
    let before = admin.data(document, json!({ "id": id })).await;
    assert_eq!(before["droplet"]["tags"], json!([]));
    let retry = json!({ "projection": "droplets", "resourceId": id });
    let document = document.to_owned();
    let tried = mutate(&admin, "retryParkedStream", retry.clone(), "parkedStreams").await;
    assert_eq!(tried["projection"]["parkedStreams"], "0");
    let after = admin.data(&document, json!({ "id": id })).await;
    assert_eq!(after["droplet"]["tags"], json!(["env:prod"]));
    let again = mutate(&admin, "retryParkedStream", retry, "name").await;
    assert_eq!(
        problems(&again),
        [("STREAM_NOT_PARKED", json!(["input", "resourceId"]))]
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_input_is_told() {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin]);
    let input = json!({ "projection": "sales", "reason": "a test" });
    let unknown = mutate(&admin, "pauseProjection", input, "name").await;
    assert_eq!(
        problems(&unknown),
        [("PROJECTION_NOT_FOUND", json!(["input", "projection"]))]
    );
    let message = unknown["userErrors"][0]["message"].to_string();
    assert!(
        message.contains("droplets, jobs, clusters, activity, counts"),
        "{message}"
    );
    let input = json!({ "projection": "droplets", "resourceId": "web-1", "reason": " " });
    let wrong = mutate(&admin, "skipParkedStream", input, "name").await;
    let expected = [
        ("INVALID_ID", json!(["input", "resourceId"])),
        ("INVALID_VALUE", json!(["input", "reason"])),
    ];
    assert_eq!(problems(&wrong), expected);
}

/// The payload of a mutation that shows these fields of the read model.
async fn mutate(caller: &Caller, field: &str, input: Value, shown: &str) -> Value {
    let mut name = field.to_owned();
    name[..1].make_ascii_uppercase();
    let document = format!(
        "mutation ($input: {name}Input!) {{ {field}(input: $input) {{ \
         projection {{ {shown} }} userErrors {{ field message code }} }} }}"
    );
    caller.data(&document, json!({ "input": input })).await[field].take()
}

/// The payload of a mutation that is not refused.
async fn operate(caller: &Caller, field: &str, input: Value, shown: &str) -> Value {
    let payload = mutate(caller, field, input, shown).await;
    assert_eq!(payload["userErrors"], json!([]), "{field}");
    payload
}

fn problems(payload: &Value) -> Vec<(&str, Value)> {
    let errors = payload["userErrors"].as_array().expect("is a list").iter();
    let problem = |error: &'_ Value| error["field"].clone();
    errors
        .map(|error| (error["code"].as_str().expect("is a text"), problem(error)))
        .collect()
}

async fn projections(caller: &Caller, fields: &str) -> Vec<Value> {
    let document = format!("{{ platform {{ projections {{ {fields} }} }} }}");
    let mut data = caller.data(&document, Value::Null).await;
    match data["platform"]["projections"].take() {
        Value::Array(projections) => projections,
        other => panic!("no list: {other}"),
    }
}

/// What is parked in `droplets`.
async fn parked(caller: &Caller) -> Vec<Value> {
    let shown = "name parked(first: 10) { nodes { resourceId eventType version position reason attempts \
         firstAt lastAt waiting skippedBy skippedReason skippedAt } }";
    let projections = projections(caller, shown).await;
    let droplets = projections
        .iter()
        .find(|p| p["name"] == "droplets")
        .expect("is there");
    droplets["parked"]["nodes"]
        .as_array()
        .expect("is a list")
        .clone()
}
