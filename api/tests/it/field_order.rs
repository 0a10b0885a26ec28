//! The fields of a result come in the order of the selection, whichever got ready first.

use api::admission::entry::{Admission, Rules};
use api::graph::execution::TrackExecution;
use async_graphql::{
    EmptyMutation, Interface, Json, Object, Request, Schema, Subscription, Variables, value,
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::task::yield_now;

type TestSchema = Schema<Query, EmptyMutation, Changes>;

struct Query;

/// Something whose fields get ready in the order c, b, a.
#[derive(Clone, Copy)]
struct Thing;

struct Other;

#[derive(Interface)]
#[graphql(field(name = "a", ty = "i32"), field(name = "b", ty = "i64"))]
enum Either {
    Thing(Thing),
    Other(Other),
}

#[Object]
impl Query {
    async fn late(&self) -> Thing {
        turns(3).await;
        Thing
    }

    async fn soon(&self) -> Thing {
        Thing
    }

    async fn things(&self) -> Vec<Thing> {
        turns(1).await;
        vec![Thing; 3]
    }

    async fn either(&self) -> Vec<Either> {
        vec![Either::Thing(Thing), Either::Other(Other)]
    }

    async fn json(&self) -> Json<async_graphql::Value> {
        Json(value!({"z": {"y": 1, "x": 2}, "a": 3}))
    }
}

#[Object]
impl Thing {
    async fn a(&self) -> i32 {
        turns(5).await;
        1
    }

    async fn b(&self) -> i64 {
        turns(2).await;
        2
    }

    async fn c(&self) -> i32 {
        3
    }

    async fn inner(&self) -> Thing {
        turns(4).await;
        Thing
    }
}

#[Object]
impl Other {
    async fn a(&self) -> i32 {
        turns(2).await;
        1
    }

    async fn b(&self) -> i64 {
        2
    }

    async fn c(&self) -> i32 {
        turns(1).await;
        3
    }
}

struct Changes;

#[Subscription]
impl Changes {
    async fn thing(&self) -> impl Stream<Item = Thing> {
        stream::iter([Thing; 2])
    }
}

async fn turns(many: usize) {
    for _ in 0..many {
        yield_now().await;
    }
}

fn schema() -> TestSchema {
    Schema::build(Query, EmptyMutation, Changes)
        .extension(TrackExecution)
        .extension(Admission::new(Rules::default()))
        .finish()
}

fn request(document: &str, variables: Value) -> Request {
    Request::new(document).variables(Variables::from_json(variables))
}

/// The data as text, because the order is a matter of text.
async fn told(document: &str, variables: Value) -> String {
    let response = schema().execute(request(document, variables)).await;
    assert!(
        response.errors.is_empty(),
        "{document}: {:?}",
        response.errors
    );
    serde_json::to_string(&response.data).expect("data is JSON")
}

#[tokio::test]
async fn fields_come_in_the_order_of_the_selection() {
    for (document, expected) in [
        (
            "{ late { c } soon { c } }",
            r#"{"late":{"c":3},"soon":{"c":3}}"#,
        ),
        ("{ soon { a b c } }", r#"{"soon":{"a":1,"b":2,"c":3}}"#),
        (
            "{ soon { z: a __typename c b } }",
            r#"{"soon":{"z":1,"__typename":"Thing","c":3,"b":2}}"#,
        ),
        (
            "{ things { a c } }",
            r#"{"things":[{"a":1,"c":3},{"a":1,"c":3},{"a":1,"c":3}]}"#,
        ),
        (
            "{ soon { b ...F c } } fragment F on Thing { a b ... { c } }",
            r#"{"soon":{"b":2,"a":1,"c":3}}"#,
        ),
        // Selections of the same field are one, where the first of them stands.
        (
            "{ soon { inner { a } c inner { b a } } soon { b } }",
            r#"{"soon":{"inner":{"a":1,"b":2},"c":3,"b":2}}"#,
        ),
        // What is in a scalar was not selected.
        (
            "{ late { a } json }",
            r#"{"late":{"a":1},"json":{"z":{"y":1,"x":2},"a":3}}"#,
        ),
        (
            "{ __type(name: \"Query\") { name kind } late { a } __typename }",
            r#"{"__type":{"name":"Query","kind":"OBJECT"},"late":{"a":1},"__typename":"Query"}"#,
        ),
    ] {
        assert_eq!(told(document, Value::Null).await, expected, "{document}");
    }
}

#[tokio::test]
async fn fragments_count_for_the_types_that_they_apply_to() {
    for (document, expected) in [
        (
            "{ either { ... on Thing { b a c } ... on Other { a c b } } }",
            r#"{"either":[{"b":2,"a":1,"c":3},{"a":1,"c":3,"b":2}]}"#,
        ),
        (
            "{ either { ...T a ...E } } fragment T on Thing { b a } fragment E on Either { b a __typename }",
            r#"{"either":[{"b":2,"a":1,"__typename":"Thing"},{"a":1,"b":2,"__typename":"Other"}]}"#,
        ),
        // Also where the same field is selected twice.
        (
            "{ either { ... on Thing { b a } } either { ... on Other { a b } } }",
            r#"{"either":[{"b":2,"a":1},{"a":1,"b":2}]}"#,
        ),
        // An object of which nothing was asked is empty.
        (
            "{ either { ... on Thing { c } } }",
            r#"{"either":[{"c":3},{}]}"#,
        ),
    ] {
        assert_eq!(told(document, Value::Null).await, expected, "{document}");
    }
}

#[tokio::test]
async fn no_name_is_taken_from_clients() {
    for (document, expected) in [
        // At the root, and in an object of one type.
        (
            "{ __concreteType: late { c } soon { __concreteType: c b } }",
            r#"{"__concreteType":{"c":3},"soon":{"__concreteType":3,"b":2}}"#,
        ),
        // In an interface, where it asks for something else than the type.
        (
            "{ either { __concreteType: a ... on Thing { b a } ... on Other { a b } } }",
            r#"{"either":[{"__concreteType":1,"b":2,"a":1},{"__concreteType":1,"a":1,"b":2}]}"#,
        ),
        // Also elsewhere, and by a name that would be next.
        (
            "{ either { ...T ...O } soon { __concreteType1: c } } \
             fragment T on Thing { b a } fragment O on Other { __concreteType: c a b }",
            r#"{"either":[{"b":2,"a":1},{"__concreteType":3,"a":1,"b":2}],"soon":{"__concreteType1":3}}"#,
        ),
    ] {
        assert_eq!(told(document, Value::Null).await, expected, "{document}");
    }
}

#[tokio::test]
async fn what_is_skipped_does_not_count() {
    let document = "query ($no: Boolean!, $yes: Boolean = true) { soon { a @skip(if: $yes) b \
        ...F @include(if: $no) a c @include(if: $yes) ... @skip(if: false) { inner { c } } } } \
        fragment F on Thing { c }";
    let expected = r#"{"soon":{"b":2,"a":1,"c":3,"inner":{"c":3}}}"#;
    assert_eq!(told(document, json!({"no": false})).await, expected);
    let expected = r#"{"soon":{"a":1,"b":2,"c":3,"inner":{"c":3}}}"#;
    assert_eq!(
        told(document, json!({"no": true, "yes": false})).await,
        expected
    );
}

#[tokio::test]
async fn the_same_document_is_in_order_again_and_by_every_operation() {
    let schema = schema();
    let document = "query A { soon { a b } } query B { soon { b a } }";
    for (name, expected) in [
        ("A", r#"{"soon":{"a":1,"b":2}}"#),
        ("B", r#"{"soon":{"b":2,"a":1}}"#),
    ] {
        for _ in 0..2 {
            let request = request(document, Value::Null).operation_name(name);
            let data = schema.execute(request).await.data;
            assert_eq!(serde_json::to_string(&data).unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn every_event_of_a_subscription_is_in_order() {
    let schema = schema();
    let mut events = schema.execute_stream("subscription { thing { a inner { b c } b } }");
    for _ in 0..2 {
        let event = events.next().await.expect("there are two");
        assert_eq!(
            serde_json::to_string(&event.data).unwrap(),
            r#"{"thing":{"a":1,"inner":{"b":2,"c":3},"b":2}}"#
        );
    }
}
