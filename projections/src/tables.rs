//! The tables and views of read models, as their models declare them.
//!
//! The tables of a generation are in a schema of its own, such as `droplets_1`, so that two generations
//! can have different columns. Clients read views, which show the generation that serves.
//!
//! Guarantees:
//! - [`migrate`] makes the first generation of every model that has none, and nothing twice, however
//!   many processes call it at once. It changes nothing of a model that has one. A rebuild makes the
//!   next generation ([`rebuild`](crate::rebuild)), when the model's version rises;
//! - the tables of a generation and its row in `es.generations` commit together;
//! - tables, views and their schemas belong to the role `clustergenie_service`, whoever makes them. So every process
//!   can rebuild a read model, and every `migrate` can describe it.

use event_store::consume::generation::{self, Generation, GenerationState};
use event_store::consume::source::ConsumerId;
use event_store::error::StoreError;
use event_store::pool;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool};

use crate::model::{Commented, ReadModel, View};
use crate::registry;

/// The reason why the tables of read models were not made, or are missing.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// A read model of this program has no tables.
    #[error("the read model `{model}` has no tables yet; run `clustergenie migrate` first")]
    Missing {
        /// The first model that has no tables.
        model: &'static str,
    },
    /// Postgres failed; nothing was made.
    #[error("the tables of the read models cannot be made or looked up")]
    Unavailable(#[from] sqlx::Error),
    /// The event store failed; nothing was made.
    #[error("the generations of the read models cannot be recorded")]
    Store(#[from] StoreError),
}

/// Makes the first generation, with tables and views, of every read model of this program that has none.
/// To be called after the migrations; can be called again at any time.
///
/// # Errors
/// [`TablesError`].
pub async fn migrate(pool: &PgPool) -> Result<(), TablesError> {
    let mut transaction = pool::begin(pool).await?;
    // Calls at the same time wait here. The lock is taken in a statement of its own, so that the
    // next one sees what the one before has committed.
    sqlx::query(
        "select pg_advisory_xact_lock(hashtextextended('clustergenie first generations', 0))",
    )
    .execute(&mut *transaction)
    .await?;
    // Whatever is made belongs to the role that processes act as.
    sqlx::query("set local role clustergenie_service")
        .execute(&mut *transaction)
        .await?;
    let missing = missing(&mut *transaction).await?;
    for model in registry::all() {
        if missing.contains(&model.name()) {
            make(&mut transaction, model.as_ref(), 1).await?;
            show(&mut transaction, model.as_ref(), 1).await?;
            generation::begin(&mut *transaction, model.name(), model.version()).await?;
        }
    }
    // The views of this program's versions may have been made before their columns had comments.
    let names: Vec<_> = registry::all().iter().map(|model| model.name()).collect();
    let generations = generation::list(&mut *transaction, &names).await?;
    for model in registry::all() {
        let serves = |of: &Generation| {
            of.consumer == model.name()
                && of.version == model.version()
                && of.state == GenerationState::Serving
        };
        if generations.iter().any(serves) {
            for view in model.views() {
                describe(&mut transaction, view).await?;
            }
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Checks, without changing anything, that every read model of this program has tables.
///
/// # Errors
/// [`TablesError`].
pub async fn check(pool: &PgPool) -> Result<(), TablesError> {
    let missing = missing(pool).await?;
    match missing.into_iter().next() {
        Some(model) => Err(TablesError::Missing { model }),
        None => Ok(()),
    }
}

/// The names of the read models that have no generation, in the order of the registry.
async fn missing(database: impl PgExecutor<'_>) -> Result<Vec<&'static str>, StoreError> {
    let mut names: Vec<_> = registry::all().iter().map(|model| model.name()).collect();
    let generations = generation::list(database, &names).await?;
    names.retain(|name| !generations.iter().any(|of| of.consumer == *name));
    Ok(names)
}

/// Makes the empty tables of a generation.
pub(crate) async fn make(
    transaction: &mut PgConnection,
    model: &dyn ReadModel,
    generation: i32,
) -> Result<(), sqlx::Error> {
    let schema = schema_of(model, generation);
    run(transaction, format!("create schema {schema}")).await?;
    run(transaction, format!("set local search_path = {schema}")).await?;
    sqlx::raw_sql(model.tables())
        .execute(&mut *transaction)
        .await?;
    leave(transaction).await
}

/// Points the views that the model declares to the tables of a generation. An existing view keeps its
/// columns, and views that depend on it stay: columns that only newer code declares are null. Postgres
/// refuses a query that renames or retypes a column.
pub(crate) async fn show(
    transaction: &mut PgConnection,
    model: &dyn ReadModel,
    generation: i32,
) -> Result<(), sqlx::Error> {
    let tables = schema_of(model, generation);
    for View { schema, .. } in model.views() {
        make_schema_of_views(transaction, schema).await?;
    }
    run(transaction, format!("set local search_path = {tables}")).await?;
    for view in model.views() {
        let View { schema, name, .. } = view;
        let query = with_later_columns(transaction, view).await?;
        // With the rights of the reader, so that the policies of the tables bind it.
        run(
            transaction,
            format!(
                "create or replace view {schema}.{name} with (security_invoker = true) as {query}"
            ),
        )
        .await?;
        run(
            transaction,
            format!("grant select on {schema}.{name} to clustergenie_reader"),
        )
        .await?;
        describe(transaction, view).await?;
    }
    leave(transaction).await
}

/// Returns the query of a view, followed by the columns that the view has and this code does not know.
async fn with_later_columns(
    transaction: &mut PgConnection,
    view: &View,
) -> Result<String, sqlx::Error> {
    let View {
        schema,
        name,
        query,
    } = view;
    run(
        transaction,
        format!("create temporary view known as {query}"),
    )
    .await?;
    let later: Vec<String> = sqlx::query_scalar(
        "select format('null::%s as %I', format_type(atttypid, atttypmod), attname) \
         from pg_attribute \
         where attrelid = to_regclass(format('%I.%I', $1::text, $2::text)) \
             and attnum > 0 and attname not in ( \
                 select attname from pg_attribute where attrelid = 'pg_temp.known'::regclass) \
         order by attnum",
    )
    .bind(schema)
    .bind(name)
    .fetch_all(&mut *transaction)
    .await?;
    run(transaction, "drop view pg_temp.known".to_owned()).await?;
    Ok(match later.as_slice() {
        [] => (*query).to_owned(),
        later => format!("select q.*, {} from ({query}) q", later.join(", ")),
    })
}

/// Stores the comments of a view.
async fn describe(transaction: &mut PgConnection, view: &View) -> Result<(), sqlx::Error> {
    let View { schema, name, .. } = view;
    for (about, comment) in view.comments() {
        let about = match about {
            Commented::View => format!("view {schema}.{name}"),
            Commented::Column(column) => format!("column {schema}.{name}.{column}"),
        };
        let comment = comment.replace('\'', "''");
        run(transaction, format!("comment on {about} is '{comment}'")).await?;
    }
    Ok(())
}

/// Drops the views of clients that still show a generation, which is about to leave service. The code of
/// the next generation does not declare these views. They would show rows that no consumer writes any more.
pub(crate) async fn drop_views_of(
    transaction: &mut PgConnection,
    model: &dyn ReadModel,
    generation: i32,
) -> Result<(), sqlx::Error> {
    let views: Vec<String> = sqlx::query_scalar(include_str!("tables/views_of.sql"))
        .bind(schema_of(model, generation))
        .fetch_all(&mut *transaction)
        .await?;
    for view in views {
        tracing::warn!(view, "a view is dropped that no model declares any more");
        run(transaction, format!("drop view {view}")).await?;
    }
    Ok(())
}

async fn make_schema_of_views(
    transaction: &mut PgConnection,
    schema: &str,
) -> Result<(), sqlx::Error> {
    let is_there: bool = sqlx::query_scalar("select to_regnamespace($1) is not null")
        .bind(schema)
        .fetch_one(&mut *transaction)
        .await?;
    if is_there {
        return Ok(());
    }
    run(transaction, format!("create schema {schema}")).await?;
    run(
        transaction,
        format!("grant usage on schema {schema} to clustergenie_reader"),
    )
    .await
}

/// Returns the schema of a generation's tables. Names of models need no quotes, as a test of the
/// registry checks.
fn schema_of(model: &dyn ReadModel, generation: i32) -> String {
    generation::tables_of(ConsumerId {
        name: model.name(),
        generation,
    })
}

/// Resets the search path, so that no table is found by its bare name any more.
async fn leave(transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    run(transaction, "set local search_path to default".to_owned()).await
}

/// Runs a statement of names and queries that models declare: nothing in it comes from outside.
async fn run(transaction: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(statement))
        .execute(transaction)
        .await?;
    Ok(())
}
