//! The processor time to refuse each hostile document, from its text to the refusal. With a program, also its
//! memory and the effect on other clients while hostile clients flood it.
//!
//! The schema has no services behind it, because a refused document never reaches them.

mod flood;
mod requests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use api::graph::execute::schema::ExecutableSchema;
use api::pipeline::{Carries, Pipeline, Request, Rules};
use api::schema::Platform;
use serde_json::Value;
use testkit::hostile;

use crate::cpu;

/// Refusals of each document; the slowest counts.
const ROUNDS: usize = 5;

/// Number of slowest documents that are printed.
const SHOWN: usize = 15;

/// Prints the slowest documents, and the number of refusals by code. With a program, floods it for `lasts`.
///
/// # Errors
/// When a document is not refused, or the program cannot be measured.
pub(crate) async fn run(program: Option<&Path>, lasts: Duration) -> anyhow::Result<()> {
    let schema = Arc::new(ExecutableSchema::new::<Platform>());
    let pipeline = Pipeline::new(schema, Arc::new(()), Rules::default());
    let mut measured = Vec::new();
    let mut codes = BTreeMap::<String, usize>::new();
    for (name, document) in hostile::documents() {
        let mut slowest = Duration::ZERO;
        let mut refused = Value::Null;
        for _ in 0..ROUNDS {
            let request = Request {
                query: document.clone(),
                operation_name: None,
                variables: Default::default(),
                extensions: Default::default(),
                carries: Carries::Everything,
                info: None,
            };
            let before = cpu::used();
            let answer = pipeline.execute(request).await;
            refused = serde_json::from_slice(&answer.body)?;
            slowest = slowest.max(cpu::used() - before);
        }
        let error = &refused["errors"][0];
        ensure!(error.is_object(), "{name} is not refused");
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        *codes.entry(code.to_owned()).or_default() += 1;
        let limit = error["extensions"]["limit"].as_str().unwrap_or_default();
        measured.push((slowest, name, document.len(), format!("{code} {limit}")));
    }
    measured.sort_unstable_by(|one, other| other.cmp(one));
    println!("{:>9}  {:>7}  document, refused by", "CPU ms", "bytes");
    for (slowest, name, bytes, by) in measured.iter().take(SHOWN) {
        let milliseconds = slowest.as_secs_f64() * 1_000.0;
        println!("{milliseconds:>9.3}  {bytes:>7}  {name}, {by}");
    }
    let bomb = measured
        .iter()
        .find(|(_, name, ..)| name == "bomb, 30 levels of 2");
    if let Some((slowest, ..)) = bomb {
        let milliseconds = slowest.as_secs_f64() * 1_000.0;
        println!("the bomb of 30 levels: {milliseconds:.3} ms");
    }
    println!(
        "{} documents; the slowest of {ROUNDS} rounds counts; {codes:?}",
        measured.len()
    );
    match program {
        Some(program) => flood::run(program, lasts).await,
        None => Ok(()),
    }
}
