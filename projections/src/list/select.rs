//! Selects the columns of rows from the view of a model.

use domain::ids::OrgId;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};

use crate::columns::Columns;
use crate::model::{FromCells, columns};
use crate::reader::{ReadError, Reader};

impl Reader {
    /// Runs the query that `build` makes of the columns of `R`, from the view `read_v1.VIEW`. While a view shows
    /// tables of an older version, the columns that it lacks are null.
    pub(crate) async fn select<R: FromCells, T>(
        &self,
        org: &OrgId,
        (view, columns): (&str, Columns),
        build: impl Fn(&str) -> Result<QueryBuilder<Postgres>, ReadError>,
        decode: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, ReadError> {
        let all = columns::of::<R>();
        let is_wanted = |name: &str| columns == Columns::All || !R::JSON.contains(&name);
        let query = build(&list(all, is_wanted))?;
        let answer = self.fetch(org, query, &decode).await;
        let Err(ReadError::BeingRebuilt) = answer else {
            return answer;
        };
        let shown = self.columns_of(org, view).await?;
        let is_shown = |name: &str| shown.iter().any(|shown| shown == name);
        let query = build(&list(all, |name| is_wanted(name) && is_shown(name)))?;
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

/// Returns the list of these columns for a `select`. The value of a column that is not wanted is null.
fn list(columns: &[&str], is_wanted: impl Fn(&str) -> bool) -> String {
    let mut list = String::with_capacity(16 * columns.len());
    for name in columns {
        if !list.is_empty() {
            list.push_str(", ");
        }
        if !is_wanted(name) {
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
    fn a_column_that_is_not_wanted_is_null() {
        assert_eq!(list(&["id", "size"], |_| true), r#""id", "size""#);
        let without = list(&["id", "size"], |name| name != "size");
        assert_eq!(without, r#""id", null as "size""#);
    }
}
