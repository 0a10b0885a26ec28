//! A database that goes back to an earlier position, as a restore or a failover takes it.

use event_store::envelope::Position;
use event_store::incarnation::Reason;
use sqlx::{AssertSqlSafe, PgPool};

/// Takes the log back to a position: later events, and what committed with them, are no more. The identity that is
/// stored is then not that of the server, as after what `reason` says. For [`Reason::Declared`] it stays, as after a
/// restore that keeps the identity.
///
/// # Panics
/// When the database refuses, or the reason needs no restore.
pub async fn go_back(pool: &PgPool, to: Position, reason: Reason) {
    let mut statements = format!(
        "begin; \
         set local session_replication_role = replica; \
         delete from es.log where position > {to}; \
         delete from es.events e where not exists (select from es.log l where l.seq = e.seq); \
         delete from es.streams s where not exists (select from es.events e where e.stream_id = s.stream_id); \
         update es.streams s set version = \
             (select max(version) from es.events e where e.stream_id = s.stream_id); \
         update es.log_head set position = {to}, low_mark = least(low_mark, \
             (select coalesce(max(seq), 0) from es.events)); \
         update es.checkpoints set position = least(position, {to}); \
         update es.published set position = least(position, {to}); \
         delete from es.snapshots; \
         delete from es.idempotency; \
         delete from es.reservations r \
             where not exists (select from es.streams s where s.stream_id = r.stream_id); "
    );
    let changed = match reason {
        Reason::Timeline => "timeline = 'FFFFFFFF'",
        Reason::Server => "system = -1",
        Reason::Database => "database = 1",
        Reason::Declared => "note = note",
        Reason::First | Reason::Unknown => panic!("a log is not restored for {reason:?}"),
    };
    statements.push_str(&format!("update es.incarnations set {changed}; commit"));
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(pool)
        .await
        .expect("the database goes back");
}
