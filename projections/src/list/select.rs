//! Selects the columns of rows from the view of a model.

use domain::ids::OrgId;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};

use crate::columns::Columns;
use crate::model::{FromCells, columns};
use crate::reader::{ReadError, Reader};

impl Reader {
    /// Runs the query that `build` makes of the wanted columns of `R`, from the view `read_v1.VIEW`. The columns that
    /// are `needed` are wanted in any case. `decode` gets true for each column of `R` that is read. While a view shows
    /// tables of an older version, the columns that it lacks are null.
    pub(crate) async fn select<R: FromCells, T>(
        &self,
        org: &OrgId,
        (view, columns, needed): (&str, &Columns, &[&str]),
        build: impl Fn(&str) -> Result<QueryBuilder<Postgres>, ReadError>,
        decode: impl Fn(&PgRow, &[bool]) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, ReadError> {
        let all = columns::of::<R>();
        let wanted = all
            .iter()
            .map(|name| columns.has(name) || needed.contains(name));
        let wanted: Vec<bool> = wanted.collect();
        let read = || {
            let read = all.iter().zip(&wanted).filter(|(_, is_wanted)| **is_wanted);
            read.map(|(name, _)| *name)
        };
        let decode = |row: &PgRow| decode(row, &wanted);
        let query = build(&list(read(), |_| true))?;
        let answer = self.fetch(org, query, decode).await;
        let Err(ReadError::BeingRebuilt) = answer else {
            return answer;
        };
        let shown = self.columns_of(org, view).await?;
        let is_shown = |name: &str| shown.iter().any(|shown| shown == name);
        let query = build(&list(read(), is_shown))?;
        self.fetch(org, query, decode).await
    }

    /// Returns the names of the columns that a view has.
    async fn columns_of(&self, org: &OrgId, view: &str) -> Result<Vec<String>, ReadError> {
        let mut query = QueryBuilder::new(
            "select attname::text from pg_attribute where attnum > 0 and attrelid = to_regclass(",
        );
        query.push_bind(format!("read_v1.{view}")).push(")");
        self.fetch(org, query, |row| row.try_get(0)).await
    }
}

/// Returns the list of these columns for a `select`. The value of a column that the view does not show is null.
pub(crate) fn list<'a>(
    columns: impl Iterator<Item = &'a str>,
    is_shown: impl Fn(&str) -> bool,
) -> String {
    let mut list = String::with_capacity(256);
    for name in columns {
        if !list.is_empty() {
            list.push_str(", ");
        }
        if !is_shown(name) {
            list.push_str("null as ");
        }
        list.push('"');
        list.push_str(name);
        list.push('"');
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_is_not_shown_is_null() {
        let columns = ["id", "size"];
        assert_eq!(list(columns.into_iter(), |_| true), r#""id", "size""#);
        let without = list(columns.into_iter(), |name| name != "size");
        assert_eq!(without, r#""id", null as "size""#);
    }
}
