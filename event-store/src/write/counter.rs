//! Changes to counters: they commit together with the events, and are checked in the same statement.

use std::ops::RangeInclusive;

use domain::counter::Counter;
use sqlx::PgConnection;

use crate::write::append::{Prepared, owner};

/// The amount that a command adds to a counter, and the bounds that it requires of the count. A command has
/// at most one change for each counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterChange {
    /// The counter.
    pub counter: Counter,
    /// The amount to add. A negative amount is taken away, down to a count of zero. With zero, the count is
    /// only checked.
    pub added: i64,
    /// The bounds of the count when the command is carried out, `added` included. Outside them the append
    /// is rejected. `None` requires nothing.
    pub within: Option<RangeInclusive<i64>>,
}

/// Creates the missing counters of these commands, at zero.
///
/// Runs in a statement of its own, because the append can neither see nor lock a row that is inserted after
/// its snapshot. After the return, every later snapshot shows the rows.
pub(super) async fn create(
    connection: &mut PgConnection,
    commands: impl Iterator<Item = &Prepared>,
) -> Result<(), sqlx::Error> {
    let (mut orgs, mut scopes, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for prepared in commands {
        let append = prepared.append();
        for Counter { scope, key } in append.counters.iter().map(|change| &change.counter) {
            orgs.push(owner(scope.reach, append.org.as_str()));
            scopes.push(scope.name);
            keys.push(key.as_str());
        }
    }
    // Waits for other transactions that create the same counter, in an order that all share.
    sqlx::query(
        "insert into es.counters (org_id, scope, key) \
         select distinct * from unnest($1::text[], $2::text[], $3::text[]) as c(org_id, scope, key) \
         order by org_id, scope, key on conflict do nothing",
    )
    .bind(orgs)
    .bind(scopes)
    .bind(keys)
    .execute(connection)
    .await?;
    Ok(())
}
