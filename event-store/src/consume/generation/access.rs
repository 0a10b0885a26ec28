//! The access of transactions to the tables of a generation: their names, and the lock between
//! transactions.

use sqlx::PgConnection;

use crate::consume::source::ConsumerId;
use crate::error::StoreError;

/// The access of a transaction to the tables of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Shared access, beside any number of other transactions: all lock rows in the same order, as ordinary
    /// batches do.
    Together,
    /// Exclusive access, because the transaction locks rows in an order of its own: event by event.
    Alone,
}

/// Lets a transaction work on the tables of a generation, which it then finds by their bare names. Waits
/// for transactions that it cannot work beside. Must be called before the transaction locks anything.
pub(crate) async fn enter(
    transaction: &mut PgConnection,
    id: ConsumerId,
    access: Access,
) -> Result<(), StoreError> {
    let lock = match access {
        Access::Together => {
            "select set_config('search_path', $1, true), \
             pg_advisory_xact_lock_shared(hashtextextended('clustergenie ' || $1, 0))::text"
        }
        Access::Alone => {
            "select set_config('search_path', $1, true), \
             pg_advisory_xact_lock(hashtextextended('clustergenie ' || $1, 0))::text"
        }
    };
    sqlx::query(lock)
        .bind(tables_of(id))
        .execute(transaction)
        .await
        .map_err(StoreError::unavailable("beginning to apply events"))?;
    Ok(())
}

/// Returns the schema that holds the tables of a generation.
#[must_use]
pub fn tables_of(id: ConsumerId) -> String {
    format!("{}_{}", id.name, id.generation)
}
