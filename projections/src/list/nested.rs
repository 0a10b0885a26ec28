//! Lists of several parents, such as the jobs of each of 50 droplets, by one statement.

use domain::ids::OrgId;
use sqlx::{QueryBuilder, Row};
use uuid::Uuid;

use super::{Conditions, Filter, Listed, push_select};
use crate::page::{Page, Parents, Slice};
use crate::reader::{ReadError, Reader};

impl Reader {
    /// Returns a page for each parent, in their order: of the rows whose `column` is the parent's id. One
    /// statement reads them, however many they are. Cursors of the page hold for each list.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn pages_by<M: Listed>(
        &self,
        org: &OrgId,
        column: &'static str,
        parents: &[Uuid],
        filter: &M::Filter,
        page: &Page<M::Order>,
    ) -> Result<Vec<Slice<M::Row>>, ReadError> {
        if parents.is_empty() {
            return Ok(Vec::new());
        }
        let parents = Parents {
            column,
            ids: parents,
        };
        self.slices::<M>(org, filter, page, Some(parents)).await
    }

    /// Counts the rows of each parent that the filter lets through, in the order of the parents. One statement
    /// counts them, however many they are.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn totals_by<M: Listed>(
        &self,
        org: &OrgId,
        column: &'static str,
        parents: &[Uuid],
        filter: &M::Filter,
    ) -> Result<Vec<i64>, ReadError> {
        let mut query = QueryBuilder::new("");
        let count = |query: &mut QueryBuilder<_>| {
            push_select::<M>(query, "count(*)", org);
            filter.restrict(&mut Conditions(query));
            query.push(" and ").push(column).push(" = ");
        };
        match parents {
            [] => return Ok(Vec::new()),
            [one] => {
                count(&mut query);
                query.push_bind(*one);
            }
            several => {
                query.push("select (");
                count(&mut query);
                query.push("p.parent) from unnest(").push_bind(several);
                query.push("::uuid[]) with ordinality as p(parent, place) order by p.place");
            }
        }
        self.fetch(org, query, |row| row.try_get(0)).await
    }
}
