//! A statement of a read, which can be sent twice.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Execute, Postgres, QueryBuilder, SqlStr};

/// The text and the values of one statement.
#[derive(Debug)]
pub(crate) struct Statement {
    text: SqlStr,
    values: PgArguments,
}

impl Statement {
    /// Returns the text and the values for one execution.
    pub(super) fn parts(&self) -> (SqlStr, PgArguments) {
        (self.text.clone(), self.values.clone())
    }
}

impl TryFrom<QueryBuilder<Postgres>> for Statement {
    type Error = sqlx::Error;

    /// Takes what was built. Fails when a value cannot be encoded.
    fn try_from(mut built: QueryBuilder<Postgres>) -> Result<Self, sqlx::Error> {
        built.build().try_into()
    }
}

impl TryFrom<Query<'_, Postgres, PgArguments>> for Statement {
    type Error = sqlx::Error;

    /// Takes the text and the values. Fails when a value cannot be encoded.
    fn try_from(mut query: Query<'_, Postgres, PgArguments>) -> Result<Self, sqlx::Error> {
        let values = query.take_arguments().map_err(sqlx::Error::Encode)?;
        Ok(Self {
            text: query.sql(),
            values: values.unwrap_or_default(),
        })
    }
}
