//! Changes to counters: they commit together with the events, and are checked in the same statement.

use std::ops::RangeInclusive;

use domain::counter::Counter;
use sqlx::PgConnection;

use crate::write::append::{Prepared, owner};

/// What a command adds to a counter, and what it requires of the count. A command has at most one for
/// each counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterChange {
    /// The counter.
    pub counter: Counter,
    /// How many are added; fewer than none are taken away, down to a count of zero; with none, the
    /// count is only checked.
    pub added: i64,
    /// What the count must be when the command is carried out, `added` included; otherwise the append
    /// is refused. `None` requires nothing.
    pub within: Option<RangeInclusive<i64>>,
}

/// Makes the counters that these commands concern and that do not exist, at zero.
///
/// In a statement of its own, because a row that is inserted after the snapshot of the append can be
/// neither seen nor locked by it. When this returns, every later snapshot shows the rows.
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
    // Waits for whoever is making the same one, in an order that all share.
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
