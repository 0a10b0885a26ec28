//! Who reads a page and then follows its position misses nothing, also where nothing happens for long.

use std::time::Duration;

use api::identity::roles::Role;
use futures_util::StreamExt;
use projections::page::{log_cursor, log_position};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::calling::{TestApi, text};
use crate::serving::PATIENCE;

#[tokio::test]
async fn a_subscription_after_the_position_of_a_page_sends_all_later_changes() {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin, Role::Agent]);
    let droplet = admin.droplet("web-1").await;
    admin.job(&droplet).await;
    admin.done("createCluster", json!({ "name": "blue" })).await;
    api.platform.settle().await;
    let mut positions = Vec::new();
    for list in ["droplets", "jobs", "clusters", "activity", "events"] {
        let document = format!("{{ {list}(first: 9) {{ asOf nodes {{ __typename }} }} }}");
        let mut data = admin.data(&document, Value::Null).await;
        positions.push((list, text(data[list]["asOf"].take())));
        // An empty page has a position too.
        let document = format!("{{ {list}(first: 0) {{ asOf }} }}");
        let data = admin.data(&document, Value::Null).await;
        assert_eq!(
            data[list]["asOf"],
            positions.last().expect("one was added").1.as_str()
        );
    }
    admin
        .done("renameDroplet", json!({ "id": droplet, "name": "web-2" }))
        .await;
    for (list, position) in positions {
        let document =
            "subscription ($after: String) { dropletChanged(after: $after) { event { type } } }";
        let mut payloads = admin.subscribe(document, json!({ "after": position }));
        let next = payloads.next().await.expect("there is an event");
        let event = &next["data"]["dropletChanged"]["event"];
        assert_eq!(event["type"], "DROPLET_RENAMED", "{list}: {next}");
    }
}

#[tokio::test]
async fn a_subscription_that_sends_nothing_of_what_happens_gets_bookmarks_to_resume_from() {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin, Role::Agent]);
    let droplet = admin.droplet("web-1").await;
    admin.job(&droplet).await;
    let after = log_cursor(Default::default());
    for (field, filter, state) in [
        (
            "dropletChanged",
            format!("id: \"{droplet}\""),
            "droplet { name }",
        ),
        (
            "jobChanged",
            format!("droplet: \"{droplet}\""),
            "job { kind }",
        ),
        (
            "eventRecorded",
            "types: [JOB_SUBMITTED]".to_owned(),
            "resource { __typename }",
        ),
    ] {
        let document = format!(
            "subscription {{ {field}(after: \"{after}\", bookmarks: true, {filter}) {{ \
             cursor event {{ type }} {state} }} }}"
        );
        let mut payloads = admin.subscribe(&document, Value::Null);
        let first = payloads.next().await.expect("there is an event");
        assert!(first["data"][field]["event"]["type"].is_string(), "{first}");
        let seen = text(first["data"][field]["cursor"].clone());
        // Something happens that the filter does not let through.
        admin
            .droplet(&format!("other-{}", field.to_lowercase()))
            .await;
        let head = api.platform.settle().await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(11)).await;
        tokio::time::resume();
        let bookmark = timeout(PATIENCE, payloads.next()).await;
        let mut bookmark = bookmark.expect("a bookmark is due").expect("it goes on");
        let bookmark = bookmark["data"][field].take();
        let cursor = text(bookmark["cursor"].clone());
        let position = log_position(&cursor).ok();
        assert!(position > log_position(&seen).ok(), "{field}: {bookmark}");
        assert!(
            position.is_some_and(|at| at.position <= head),
            "{field}: {bookmark}"
        );
        let others = bookmark.as_object().expect("it is an object").iter();
        for (name, value) in others.filter(|(name, _)| *name != "cursor") {
            assert_eq!(*value, Value::Null, "{name}");
        }
    }
}
