//! Finds living resources by their names.

use domain::ids::OrgId;
use sqlx::QueryBuilder;
use sqlx::postgres::PgRow;

use super::push_select;
use crate::columns::Columns;
use crate::model::{Cells, FromCells, Model};
use crate::reader::{ReadError, Reader};

/// A model whose rows have a column `name` that is unique among those that live in an organization.
pub trait Named: Model {
    /// The condition that a row lives and so holds its name, such as `status <> 'DELETED'`.
    const LIVES: &'static str;
}

impl Reader {
    /// Returns the living row of an organization that has exactly this name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn living_by_name<M: Named>(
        &self,
        org: &OrgId,
        name: &str,
        columns: &Columns,
    ) -> Result<Option<M::Row>, ReadError> {
        let build = |columns: &str| {
            let mut query = QueryBuilder::new("");
            push_select::<M>(&mut query, columns, org);
            query.push(" and name = ").push_bind(name);
            query.push(" and ").push(M::LIVES).push(" limit 1");
            Ok(query)
        };
        let decode = |row: &PgRow, are_read: &[bool]| {
            M::Row::from_cells(&mut Cells::of(row).of_columns(are_read))
        };
        let rows = self.select::<M::Row, _>(org, (M::NAME, columns, &["id"]), build, decode);
        Ok(rows.await?.pop())
    }
}
