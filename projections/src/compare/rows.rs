//! Compares the rows of both sides, and reads those that differ.

use sqlx::{AssertSqlSafe, PgConnection};

use super::tables::Table;
use super::{Comparison, Difference, Sample, TOLD};

/// True for a row that is missing or whose text differs. Images of rows are cheap to compare, and equal ones have equal
/// texts.
const DIFFERS: &str = "((e *= f) is not true and e::text is distinct from f::text)";

/// Compares the rows of a table with those of the temporary table of the same name, which the connection has.
pub(super) async fn compare(
    snapshot: &mut PgConnection,
    table: &Table,
    sample: Sample,
    comparison: &mut Comparison,
) -> Result<(), sqlx::Error> {
    let is_sampled = is_sampled(table, sample);
    let both = format!(
        "(select * from pg_temp.{expected} where {is_sampled}) e \
         full join (select * from {found} where {is_sampled}) f using ({key})",
        expected = table.table,
        found = table.name(),
        key = table.key,
    );
    let count = format!("select count(*), count(*) filter (where {DIFFERS}) from {both}");
    let (rows, differences): (i64, i64) = sqlx::query_as(AssertSqlSafe(count))
        .fetch_one(&mut *snapshot)
        .await?;
    comparison.rows += rows.unsigned_abs();
    comparison.differences += differences.unsigned_abs();
    let room = TOLD - comparison.first.len();
    if differences == 0 || room == 0 {
        return Ok(());
    }
    let read = format!(
        "select row({key})::text collate \"C\" as key, e::text, f::text from {both} \
         where {DIFFERS} order by 1 limit {room}",
        key = table.key,
    );
    let different: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as(AssertSqlSafe(read))
            .fetch_all(snapshot)
            .await?;
    let different = different
        .into_iter()
        .map(|(key, expected, found)| Difference {
            table: table.name(),
            key,
            expected,
            found,
        });
    comparison.first.extend(different);
    Ok(())
}

/// Returns the condition of the rows that are in the sample.
fn is_sampled(table: &Table, sample: Sample) -> String {
    match &table.stream_column {
        Some(stream) if !sample.is_all() => format!(
            // `Sample::has` in SQL: 65,536 is added because the remainder of a negative number is negative.
            "(get_byte(uuid_send({stream}), 14) * 256 + get_byte(uuid_send({stream}), 15) \
              + 65536 - {}) % 65536 < {}",
            sample.from, sample.of_65536
        ),
        _ => "true".to_owned(),
    }
}
