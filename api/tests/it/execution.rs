//! Answers by the specification: merged fields, order, null and propagation. The differential suite of
//! `./dev conformance` compares many more documents; it has no fields that fail within lists.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::graph::error::{Code, Result, failure};
use api::graph::execute::context::Context;
use api::graph::execute::object::{Fields, Object};
use api::graph::execute::schema::{Definition, ExecutableSchema};
use api::graph::resource::ResourceKind;
use api::pipeline::{Pipeline, Rules};
use serde_json::{Value, json};
use tokio::task::yield_now;

use crate::calling::{json_of, request};

struct Things;

impl Definition for Things {
    type Query = Query;
    type Mutation = Mutation;
    type Subscription = Subscription;

    fn resources() -> Vec<ResourceKind> {
        Vec::new()
    }
}

/// How often something was loaded or changed.
#[derive(Default)]
struct Counted {
    loads: AtomicUsize,
    changes: AtomicUsize,
}

#[derive(Default)]
struct Query;

impl Object for Query {
    const NAME: &'static str = "Query";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.read("things", "", |_: Context, (): ()| async { Ok(things()) });
        fields.read("maybe", "", |_: Context, (): ()| async {
            Ok(things().into_iter().map(Some).collect::<Vec<_>>())
        });
        fields.read("late", "", |_: Context, (): ()| async {
            turns(5).await;
            Ok(Thing(4))
        });
        fields.read("soon", "", |_: Context, (): ()| async {
            Ok(Some(Thing(2)))
        });
        fields.read("many", "", |_: Context, (): ()| async {
            Ok((0..100).map(Thing).collect::<Vec<_>>())
        });
        fields.read("number", "", |_: Context, (): ()| async { Ok(1) });
        fields.read("failing", "", |_: Context, (): ()| async {
            Err::<Option<i32>, _>(failure(Code::Internal, "it fails"))
        });
    }
}

#[derive(Default)]
struct Mutation;

impl Object for Mutation {
    const NAME: &'static str = "Mutation";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.read("change", "", |context: Context, (): ()| async move {
            turns(3).await;
            let changes = &counted(&context).changes;
            Ok(Some(Thing(2 * changes.fetch_add(1, Ordering::SeqCst))))
        });
    }
}

#[derive(Default)]
struct Subscription;

impl Object for Subscription {
    const NAME: &'static str = "Subscription";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.stream("never", "", |_: Context, (): ()| async {
            Ok(Box::pin(futures_util::stream::empty::<Result<i32>>()) as _)
        });
    }
}

/// A thing; the fields of one with an odd number fail.
struct Thing(usize);

impl Object for Thing {
    const NAME: &'static str = "Thing";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("id", "", |thing| i64::try_from(thing.0).unwrap_or_default());
        fields.value("here", "", |thing| even(thing.0));
        fields.value("long", "", |_| "x".repeat(1_500_000));
        fields.value("soft", "", |thing| even(thing.0).map(Some));
        fields.load(
            "loaded",
            "",
            |thing: &Thing| thing.0,
            |context: Context, (): (), keys| async move {
                counted(&context).loads.fetch_add(1, Ordering::SeqCst);
                turns(2).await;
                Ok(keys.into_iter().map(even).collect::<Vec<_>>())
            },
        );
        fields.load(
            "next",
            "",
            |thing: &Thing| thing.0,
            |context: Context, (): (), keys| async move {
                counted(&context).loads.fetch_add(1, Ordering::SeqCst);
                Ok(keys
                    .into_iter()
                    .map(|key| Some(Thing(key + 1)))
                    .collect::<Vec<_>>())
            },
        );
    }
}

fn things() -> Vec<Thing> {
    (0..4).map(Thing).collect()
}

fn even(number: usize) -> Result<i64> {
    if number.is_multiple_of(2) {
        Ok(i64::try_from(number).unwrap_or_default())
    } else {
        Err(failure(Code::Internal, format!("{number} is odd")))
    }
}

fn counted(context: &Context) -> &Counted {
    context.data().expect("the schema has it")
}

async fn turns(many: usize) {
    for _ in 0..many {
        yield_now().await;
    }
}

struct Executed {
    text: String,
    json: Value,
    counted: Arc<Counted>,
}

async fn execute(document: &str) -> Executed {
    let schema = Arc::new(ExecutableSchema::new::<Things>());
    let counted = Arc::new(Counted::default());
    let pipeline = Pipeline::new(schema, counted.clone(), Rules::default());
    let answer = pipeline.execute(request(document, Value::Null, None)).await;
    Executed {
        json: json_of(&answer),
        text: String::from_utf8(answer.body).expect("answers are text"),
        counted,
    }
}

/// The paths of the errors, in order.
fn paths(executed: &Executed) -> Vec<Value> {
    let errors = executed.json["errors"].as_array();
    let errors = errors.into_iter().flatten();
    errors.map(|error| error["path"].clone()).collect()
}

#[tokio::test]
async fn fields_come_in_the_order_of_the_selection() {
    let document = "{ late { loaded id } number ...F soon { b: id here id } } \
        fragment F on Query { soon { id } n: number }";
    assert_eq!(
        execute(document).await.text,
        r#"{"data":{"late":{"loaded":4,"id":4},"number":1,"soon":{"id":2,"b":2,"here":2},"n":1}}"#
    );
}

#[tokio::test]
async fn a_response_name_is_one_field() {
    let executed = execute("mutation { change { id } ...F change { a: id } } fragment F on Mutation { change { here } }").await;
    assert_eq!(
        executed.text,
        r#"{"data":{"change":{"id":0,"here":0,"a":0}}}"#
    );
    assert_eq!(executed.counted.changes.load(Ordering::SeqCst), 1);
    let executed = execute("mutation { a: change { id } b: change { id } c: change { id } }").await;
    assert_eq!(
        executed.json["data"],
        json!({"a": {"id": 0}, "b": {"id": 2}, "c": {"id": 4}})
    );
}

#[tokio::test]
async fn a_field_is_loaded_once_for_all_objects() {
    let executed = execute("{ things { next { next { id } } } }").await;
    assert_eq!(executed.json["data"]["things"][3]["next"]["next"]["id"], 5);
    assert_eq!(executed.counted.loads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_field_that_may_be_null_is_null_where_it_fails() {
    let executed = execute("{ failing number things { soft } }").await;
    assert_eq!(
        executed.json["data"],
        json!({
            "failing": null, "number": 1,
            "things": [{"soft": 0}, {"soft": null}, {"soft": 2}, {"soft": null}],
        })
    );
    let expected = [
        json!(["failing"]),
        json!(["things", 1, "soft"]),
        json!(["things", 3, "soft"]),
    ];
    assert_eq!(paths(&executed), expected);
}

#[tokio::test]
async fn a_failure_makes_the_next_that_may_be_null_null() {
    // An item that may be null, whichever of its fields fails, and whatever else was loaded for it.
    for field in ["here", "loaded", "next { next { next { loaded } } } loaded"] {
        let executed = execute(&format!("{{ maybe {{ id {field} soft }} number }}")).await;
        let items = &executed.json["data"]["maybe"];
        assert_eq!(items[1], Value::Null, "{field}: {}", executed.text);
        assert_eq!(items[2]["id"], 2, "{field}");
        assert_eq!(items[3], Value::Null, "{field}");
        assert_eq!(executed.json["data"]["number"], 1);
    }
    // Nothing between the root and the failure may be null.
    let executed = execute("{ number things { loaded id here } }").await;
    assert_eq!(executed.json["data"], Value::Null);
    assert_eq!(paths(&executed), [json!(["things", 1, "loaded"])]);
    // A deeper object that may be null stops it.
    let executed = execute("{ things { id next { here } } }").await;
    assert_eq!(
        executed.json["data"]["things"],
        json!([
            {"id": 0, "next": null}, {"id": 1, "next": {"here": 2}},
            {"id": 2, "next": null}, {"id": 3, "next": {"here": 4}},
        ])
    );
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_an_error_wherever_it_became_so() {
    let name = "a".repeat(60_000);
    for document in [
        "{ things { long } }".to_owned(),
        "{ maybe { long } number }".to_owned(),
        "{ soon { a: long b: long c: long next { id } } number }".to_owned(),
        "{ soon { next { a: long b: long c: long next { id } } } failing }".to_owned(),
        "mutation { change { a: long b: long c: long next { id } } b: change { id } }".to_owned(),
        // Errors are part of an answer, and so are the names in their paths.
        format!("{{ many {{ {name}: soft b{}: soft }} }}", &name[1..4_000]),
        format!("{{ {name}: many {{ a: soft b: soft }} }}"),
    ] {
        let executed = execute(&document).await;
        let error = &executed.json["errors"][0];
        assert_eq!(
            error["extensions"]["code"],
            "LIMIT_EXCEEDED",
            "{}",
            &document[..40.min(document.len())]
        );
        assert!(executed.text.len() < 10_000);
    }
    let executed = execute("{ soon { long } many { soft } }").await;
    assert_eq!(executed.json["errors"].as_array().map(Vec::len), Some(50));
}
