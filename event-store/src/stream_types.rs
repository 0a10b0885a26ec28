//! The names of stream types in the database, so that a program can name types that only a newer one knows.
//!
//! Streams are stored with the code of their type, and topics are named after the type. A program that
//! records events declares the types of its registry before it records any. A program that passes events on
//! looks up the names of codes that its own registry lacks. So the name of every code in the log is found
//! here. Codes and names are never reused, so rows are only ever added.

use std::collections::BTreeMap;

use domain::registry::AGGREGATES;
use domain::stream_type::StreamType;
use sqlx::PgPool;

use crate::error::StoreError;

/// The reason why the stream types of this program were not declared.
#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    /// The database has the code or the name for another type. This program must record nothing there.
    #[error(
        "this program has the stream type `{name}` with the code {code}, and the database has `{found_name}` \
         with the code {found_code}: use a program that was built from the same list of aggregates as the \
         one that made this database"
    )]
    Conflict {
        /// The name in this program.
        name: &'static str,
        /// The code of the type in this program.
        code: i16,
        /// The name in the database.
        found_name: String,
        /// The code of the type in the database.
        found_code: i16,
    },
    /// Postgres failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Declares the stream types of this program. Every process that records events must call this before it
/// records any. Any number of processes may do so at once, and again.
///
/// # Errors
/// [`DeclareError`].
pub async fn declare(pool: &PgPool) -> Result<(), DeclareError> {
    let types = AGGREGATES.iter();
    let types: Vec<_> = types.map(|of| (of.stream_type.code(), of.name)).collect();
    declare_types(pool, &types).await
}

async fn declare_types(pool: &PgPool, types: &[(i16, &'static str)]) -> Result<(), DeclareError> {
    let (codes, names): (Vec<i16>, Vec<&str>) = types.iter().copied().unzip();
    let unavailable = || StoreError::unavailable("declaring stream types");
    sqlx::query(
        "insert into es.stream_types (code, name) \
         select * from unnest($1::smallint[], $2::text[]) as t(code, name) order by code \
         on conflict do nothing",
    )
    .bind(&codes)
    .bind(&names)
    .execute(pool)
    .await
    .map_err(unavailable())?;
    // A statement of its own, which sees what another process has declared meanwhile.
    let conflict: Option<(i16, String, i16, String)> = sqlx::query_as(
        "select t.code, t.name, s.code, s.name \
         from unnest($1::smallint[], $2::text[]) as t(code, name) \
         join es.stream_types s on s.code = t.code or s.name = t.name \
         where (s.code, s.name) <> (t.code, t.name) order by t.code limit 1",
    )
    .bind(&codes)
    .bind(&names)
    .fetch_optional(pool)
    .await
    .map_err(unavailable())?;
    let Some((code, _, found_code, found_name)) = conflict else {
        return Ok(());
    };
    let ours = types.iter().find(|(ours, _)| *ours == code);
    let (code, name) = *ours.expect("the statement gives a code that it was given");
    Err(DeclareError::Conflict {
        name,
        code,
        found_name,
        found_code,
    })
}

/// Returns the names of all stream types that were ever declared, also by newer programs.
///
/// # Errors
/// When Postgres fails.
pub async fn names(pool: &PgPool) -> Result<BTreeMap<StreamType, String>, StoreError> {
    let rows: Vec<(i16, String)> =
        sqlx::query_as("select code, name from es.stream_types order by code")
            .fetch_all(pool)
            .await
            .map_err(StoreError::unavailable("reading the names of stream types"))?;
    let names = rows.into_iter();
    Ok(names
        .map(|(code, name)| (StreamType::new(code), name))
        .collect())
}

#[cfg(test)]
mod tests {
    use testkit::postgres::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn types_are_declared_once_and_found_by_others() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        assert_eq!(names(&pool).await.expect("reads"), BTreeMap::new());
        let (one, other) = tokio::join!(declare(&pool), declare(&pool));
        one.and(other).expect("are declared");
        let ours: BTreeMap<_, _> = AGGREGATES
            .iter()
            .map(|of| (of.stream_type, of.name.to_owned()))
            .collect();
        assert_eq!(names(&pool).await.expect("reads"), ours);

        // A newer program beside it.
        let newer = [(0, "droplet"), (7, "newer")];
        declare_types(&pool, &newer).await.expect("are declared");
        declare(&pool).await.expect("are declared again");
        let names = names(&pool).await.expect("reads");
        assert_eq!(names[&StreamType::new(7)], "newer");
        assert_eq!(names.len(), ours.len() + 1);
    }

    #[tokio::test]
    async fn another_name_for_a_code_and_another_code_for_a_name_are_refused() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        declare(&pool).await.expect("are declared");
        for types in [[(7, "newer"), (0, "machine")], [(7, "newer"), (9, "job")]] {
            let refused = declare_types(&pool, &types).await;
            let refused = refused.expect_err("is refused").to_string();
            assert!(
                refused.contains("`machine` with the code 0")
                    || refused.contains("`job` with the code 9"),
                "{refused}"
            );
        }
    }
}
