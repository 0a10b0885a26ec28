//! The rows of a read model against a fresh fold of the log.

use anyhow::Context;
use event_store::audit::finding::{Difference, Findings};
use event_store::consumer::Consumer;
use projections::compare::{self, Comparison, Sample, compare};
use sqlx::PgPool;

/// Compares the generation that serves. Compares rows.
///
/// # Errors
/// When Postgres fails.
pub(super) async fn check(
    pool: &PgPool,
    projection: &dyn Consumer,
    sample: Sample,
) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let Some((generation, version)) = serving(pool, projection.name()).await? else {
        findings.note("it was never made");
        return Ok(findings);
    };
    if version != projection.version() {
        findings.note(format!(
            "version {version} serves, this program folds version {}: not compared",
            projection.version()
        ));
        return Ok(findings);
    }
    let compared = match compare(pool, projection, generation, sample).await {
        Ok(compared) => compared,
        // Another generation may have begun to serve, and the tables of this one are gone.
        Err(error) => match serving(pool, projection.name()).await? {
            Some((now, _)) if now != generation => compare(pool, projection, now, sample).await?,
            _ => return Err(error.into()),
        },
    };
    take_in(&mut findings, compared);
    Ok(findings)
}

/// The generation that serves, and the version of the code that made it.
async fn serving(pool: &PgPool, consumer: &str) -> anyhow::Result<Option<(i32, i32)>> {
    sqlx::query_as(
        "select generation, version from es.generations where consumer = $1 and state = 'SERVING'",
    )
    .bind(consumer)
    .fetch_optional(pool)
    .await
    .context("the generation that serves cannot be looked up")
}

fn take_in(findings: &mut Findings, compared: Comparison) {
    findings.compared = compared.rows;
    if let Some(first) = compared.first.into_iter().next() {
        findings.differ(compared.differences, difference(first));
    }
    if !compared.left_out.is_empty() {
        findings.note(format!(
            "{} sums over streams and was left out of this sample",
            compared.left_out.join(", ")
        ));
    }
}

fn difference(row: compare::Difference) -> Difference {
    let or_none = |row: Option<String>| row.unwrap_or_else(|| "no such row".to_owned());
    Difference {
        place: Some(format!("{} with the key {}", row.table, row.key)),
        expected: or_none(row.expected),
        found: or_none(row.found),
        ..Difference::default()
    }
}
