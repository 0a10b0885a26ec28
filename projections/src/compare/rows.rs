//! Reads the rows of both sides in the order of their keys, and finds the differences.

use futures_util::stream::{BoxStream, TryStreamExt};
use sqlx::{AssertSqlSafe, PgConnection};

use super::tables::Table;
use super::{Comparison, Difference, Sample};

/// A row as text, and its key.
type Keyed = (String, String);

/// Compares the rows of a table with those of the temporary table of the same name.
pub(super) async fn compare(
    snapshot: &mut PgConnection,
    scratch: &mut PgConnection,
    table: &Table,
    sample: Sample,
    comparison: &mut Comparison,
) -> Result<(), sqlx::Error> {
    let mut found = read(snapshot, &table.name(), table, sample);
    let expected_in = format!("pg_temp.{}", table.table);
    let mut expected = read(scratch, &expected_in, table, sample);
    let mut next = (expected.try_next().await?, found.try_next().await?);
    loop {
        let (wanted, there) = match &next {
            (None, None) => return Ok(()),
            (Some((wanted, _)), Some((there, _))) => (wanted <= there, there <= wanted),
            (wanted, there) => (wanted.is_some(), there.is_some()),
        };
        let expected_row = if wanted { next.0.take() } else { None };
        let found_row = if there { next.1.take() } else { None };
        comparison.rows += 1;
        if expected_row != found_row {
            comparison.differ(difference(table, expected_row, found_row));
        }
        if wanted {
            next.0 = expected.try_next().await?;
        }
        if there {
            next.1 = found.try_next().await?;
        }
    }
}

fn difference(table: &Table, expected: Option<Keyed>, found: Option<Keyed>) -> Difference {
    let key = expected.as_ref().or(found.as_ref());
    Difference {
        table: table.name(),
        key: key.map(|(key, _)| key.clone()).unwrap_or_default(),
        expected: expected.map(|(_, row)| row),
        found: found.map(|(_, row)| row),
    }
}

fn read<'c>(
    connection: &'c mut PgConnection,
    from: &str,
    table: &Table,
    sample: Sample,
) -> BoxStream<'c, Result<Keyed, sqlx::Error>> {
    let is_sampled = match &table.stream_column {
        Some(stream) if !sample.is_all() => format!(
            // `Sample::has` in SQL: 65,536 is added because the remainder of a negative number is negative.
            "(get_byte(uuid_send({stream}), 14) * 256 + get_byte(uuid_send({stream}), 15) \
              + 65536 - {}) % 65536 < {}",
            sample.from, sample.of_65536
        ),
        _ => "true".to_owned(),
    };
    // `c`, so that both sides and the comparison here sort alike, whatever the database's language.
    let read = format!(
        "select row({key})::text collate \"C\" as key, t::text from {from} t \
         where {is_sampled} order by key",
        key = table.key,
    );
    sqlx::query_as(AssertSqlSafe(read)).fetch(connection)
}
