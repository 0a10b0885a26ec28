//! How many statements a request costs: no more than it has to, and never more for more rows.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::sync::Once;

use api::identity::roles::Role;
use serde_json::{Value, json};
use tracing::{Event, Instrument, Subscriber, field};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::calling::{Caller, TestApi};

const DROPLET: &str = "id name status sizeSlug regionSlug imageSlug tags protected vcpus memoryMib diskGib \
    priceMonthly { display } addresses { kind ip } version createdAt updatedAt";

const JOB: &str =
    "id kind status dropletId worker percent message parameters result version createdAt";

const PAGE: &str = "pageInfo { hasNextPage endCursor }";

/// What only the statement has that appends events. It is sent by the task that appends for everyone,
/// thus outside of the request.
const APPEND: &str = "insert into es.events";

thread_local! {
    /// What was sent by this thread, which is one test with its whole platform.
    static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

#[tokio::test]
async fn a_query_takes_as_many_statements_as_it_reads_different_things() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let mut droplet = String::new();
    for name in ["web-1", "web-2", "web-3"] {
        droplet = operator.droplet(name).await;
        for _ in 0..3 {
            operator.job(&droplet).await;
        }
    }
    let job = operator.job(&droplet).await;
    api.platform.settle().await;

    let admin = api.caller(&[Role::Admin]);
    // Each read is one statement. The position and the state of all projections are one each.
    for (field, expected) in [
        (format!("droplet(id: \"{droplet}\") {{ {DROPLET} }}"), 1),
        (
            format!("node(id: \"{job}\") {{ ... on Job {{ {JOB} }} }}"),
            1,
        ),
        (
            format!("droplets(first: 50) {{ {PAGE} nodes {{ {DROPLET} }} }}"),
            1,
        ),
        (
            format!("droplets(first: 50) {{ totalCount nodes {{ {DROPLET} }} }}"),
            2,
        ),
        (format!("jobs(first: 50) {{ {PAGE} nodes {{ {JOB} }} }}"), 1),
        (
            format!("jobs(first: 50) {{ totalCount nodes {{ {JOB} }} }}"),
            2,
        ),
        (
            format!(
                "jobs(first: 50, filter: {{ droplet: \"{droplet}\" }}) {{ nodes {{ {JOB} }} }}"
            ),
            1,
        ),
        // The droplets of all jobs are one read.
        (
            format!("jobs(first: 50) {{ nodes {{ id droplet {{ {DROPLET} }} }} }}"),
            2,
        ),
        (
            format!("activity(first: 50) {{ {PAGE} nodes {{ kind resourceName actor summary }} }}"),
            1,
        ),
        (
            format!("events(first: 50) {{ {PAGE} nodes {{ id type version data }} }}"),
            1,
        ),
        (
            "counts { dropletsByStatus { count } jobsByKind { count } }".to_owned(),
            1,
        ),
        ("platform { version parts { name ready } }".to_owned(), 0),
        (
            "platform { position projections { name lagEvents } }".to_owned(),
            2,
        ),
    ] {
        let document = format!("{{ {field} }}");
        // The first time may open a session, and binds it to the organization.
        statements(&admin, &document, Value::Null).await;
        let sent = statements(&admin, &document, Value::Null).await;
        assert_eq!(sent.len(), expected, "{document}: {sent:#?}");
    }
}

#[tokio::test]
async fn a_field_that_stands_often_is_read_once() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    operator.droplet("web-1").await;
    api.platform.settle().await;
    for (document, expected) in [
        (
            format!(
                "{{ droplets(first: 1) {{ {} }} }}",
                "totalCount ".repeat(1_900)
            ),
            2,
        ),
        (
            format!("{{ platform {{ {} }} }}", "position ".repeat(1_900)),
            1,
        ),
        (
            "{ droplets(first: 1) { ...A ...B ...A } droplets(first: 1) { ...B } } \
             fragment A on DropletConnection { totalCount } \
             fragment B on DropletConnection { totalCount nodes { name } }"
                .to_owned(),
            2,
        ),
    ] {
        statements(&operator, &document, Value::Null).await;
        let sent = statements(&operator, &document, Value::Null).await;
        assert_eq!(sent.len(), expected, "{sent:#?}");
    }
}

#[tokio::test]
async fn ids_of_nothing_take_one_statement_more_however_many_they_are() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let ids: Vec<_> = (0..100)
        .map(|number| format!("Droplet:01923f4a-8c00-7000-8000-{number:012}"))
        .collect();
    let document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    statements(&viewer, document, json!({ "ids": ids })).await;
    let sent = statements(&viewer, document, json!({ "ids": ids })).await;
    assert_eq!(sent.len(), 2, "{sent:#?}");
}

#[tokio::test]
async fn a_mutation_is_one_statement_and_its_node_another() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let provision = |payload: &str| {
        format!(
            "mutation ($name: String!) {{ provisionDroplet(input: {{ name: $name, \
             size: \"s-1vcpu-1gb\", region: \"nyc3\", image: \"ubuntu-24-04-x64\" }}) {{ {payload} \
             consistencyToken userErrors {{ code }} }} }}"
        )
    };
    // A session for reads of the organization is open.
    operator
        .data("{ droplets(first: 0) { nodes { id } } }", Value::Null)
        .await;
    for (name, payload, expected) in [("web-1", "", 1), ("web-2", "droplet { id status }", 2)] {
        let sent = statements(&operator, &provision(payload), json!({ "name": name })).await;
        assert_eq!(sent.len(), expected, "{payload}: {sent:#?}");
    }
    // What was just written is remembered, so that nothing is read before the next change of it.
    let droplet = operator.droplet("web-3").await;
    for (tag, payload, expected) in [("a", "", 1), ("b", "droplet { id tags }", 2)] {
        let document = format!(
            "mutation ($id: ID!, $tag: String!) {{ tagDroplet(input: {{ id: $id, tag: $tag }}) {{ \
             {payload} consistencyToken userErrors {{ code }} }} }}"
        );
        let sent = statements(&operator, &document, json!({ "id": droplet, "tag": tag })).await;
        assert_eq!(sent.len(), expected, "{payload}: {sent:#?}");
    }
}

/// The statements of a request that must succeed.
async fn statements(caller: &Caller, document: &str, variables: Value) -> Vec<String> {
    static INSTALLED: Once = Once::new();
    // One subscriber serves all tests of the process, because one that belongs to a thread would not
    // hear of what other threads have met first.
    INSTALLED.call_once(|| {
        tracing::subscriber::set_global_default(Registry::default().with(Noting))
            .expect("nobody else listens");
    });
    SENT.take();
    let request = caller.data(document, variables);
    request.instrument(tracing::info_span!("counted")).await;
    SENT.take()
}

/// Notes the statements of counted requests, and not those of read models that catch up meanwhile.
struct Noting;

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Noting {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let mut spans = context.event_scope(event).into_iter().flatten();
        if spans.any(|span| span.name() == "counted") || text.0.contains(APPEND) {
            SENT.with_borrow_mut(|sent| sent.push(text.0));
        }
    }
}

#[derive(Default)]
struct Text(String);

impl field::Visit for Text {
    fn record_debug(&mut self, _: &field::Field, value: &dyn fmt::Debug) {
        write!(self.0, "{value:?} ").expect("texts take everything");
    }
}
