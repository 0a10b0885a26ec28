//! The cost of ordering the fields of an answer: the additional cost of a page of 50 rows over an empty one.
//! Measured with and without admission, which orders the fields. All other work of admission is the same for
//! both pages.

use std::sync::Arc;

use anyhow::ensure;
use api::admission::entry::{Admission, Rules};
use async_graphql::extensions::{Extension, ExtensionFactory};
use async_graphql::{
    EmptyMutation, EmptySubscription, Object, Request, Schema, SimpleObject, Variables,
};
use serde_json::json;

use super::micros;
use crate::cpu;

const DOCUMENT: &str = "query Q($n: Int!) { rows(n: $n) { ...Row } } \
    fragment Row on Row { a b c d e size { slug count } f g h }";

type PageSchema = Schema<Query, EmptyMutation, EmptySubscription>;

struct Query;

#[Object]
impl Query {
    async fn rows(&self, n: usize) -> Vec<Row> {
        (0..n).map(|_| Row::default()).collect()
    }
}

#[derive(Default, SimpleObject)]
struct Row {
    a: i32,
    b: i32,
    c: i32,
    d: i32,
    e: i32,
    f: i32,
    g: i32,
    h: i32,
    size: Size,
}

#[derive(Default, SimpleObject)]
struct Size {
    slug: i32,
    count: i32,
}

/// An extension without an effect: any extension makes the executor slower.
struct Nothing;

impl ExtensionFactory for Nothing {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

impl Extension for Nothing {}

/// Prints microseconds of processor time.
///
/// # Errors
/// When a document is refused.
pub(super) async fn run(rounds: u32) -> anyhow::Result<()> {
    let bare = Schema::build(Query, EmptyMutation, EmptySubscription)
        .extension(Nothing)
        .finish();
    let gated = Schema::build(Query, EmptyMutation, EmptySubscription)
        .extension(Admission::new(Rules::default()))
        .finish();
    println!("    bare us  with admission us  rows of 10 fields");
    for count in [0, 50] {
        let bare = measure(&bare, count, rounds).await?;
        let gated = measure(&gated, count, rounds).await?;
        println!("{bare:>11.1}  {gated:>14.1}  {count}");
    }
    Ok(())
}

async fn measure(schema: &PageSchema, count: usize, rounds: u32) -> anyhow::Result<f64> {
    let before = cpu::used();
    for _ in 0..rounds {
        let variables = Variables::from_json(json!({ "n": count }));
        let response = schema
            .execute(Request::new(DOCUMENT).variables(variables))
            .await;
        ensure!(response.errors.is_empty(), "{:?}", response.errors);
    }
    Ok(micros((cpu::used() - before) / rounds))
}
