-- The lives of the log. A log that went back (a restore, a failover, a copy) begins a new incarnation before
-- anything is decided or sequenced on it. See event-store/src/incarnation.rs.

-- One row for each incarnation. The one with the highest number is the current one.
create table es.incarnations (
    number        bigint      primary key check (number > 0),
    id            uuid        not null unique,
    -- The last position that was kept of the incarnation before: positions beyond it were given again, or will be.
    fork_position bigint      not null check (fork_position >= 0),
    -- The highest number of an event that was kept of the incarnation before.
    fork_seq      bigint      not null check (fork_seq >= 0),
    reason        text        not null check (reason in ('FIRST', 'SERVER', 'DATABASE', 'TIMELINE', 'DECLARED')),
    -- The words of the operator who declared a restore.
    note          text,
    -- The identity of the server: it changes with a copy, a restore and a failover.
    system        bigint      not null,
    database      oid         not null,
    timeline      text        not null,
    began_at      timestamptz not null default clock_timestamp()
);

-- A cursor of an old incarnation is judged by its fork.
create trigger incarnations_are_immutable before update or delete or truncate on es.incarnations
    for each statement execute function es.refuse_change();

-- The identity of this server. Fails on a standby, which cannot tell its timeline.
create function es.server_identity(out system bigint, out database oid, out timeline text)
language plpgsql stable as $$
begin
    if pg_is_in_recovery() then
        raise exception 'the server is a standby' using errcode = 'CG002';
    end if;
    system := (select c.system_identifier from pg_control_system() c);
    database := (select d.oid from pg_database d where d.datname = current_database());
    timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
end $$;

-- True if the log is in this incarnation, or in any if it is null; else an error, which undoes the statement. An
-- incarnation of another server counts as none. Part of every statement that decides, sequences or follows, so it
-- repeats `es.server_identity`: a call would double its time.
create function es.demand_incarnation(believed uuid) returns boolean
language plpgsql stable as $$
declare
    current es.incarnations;
begin
    if pg_is_in_recovery() then
        raise exception 'the server is a standby' using errcode = 'CG002';
    end if;
    select * into current from es.incarnations order by number desc limit 1;
    if current.id is null or current.id <> believed
        or current.timeline <> left(pg_walfile_name(pg_current_wal_lsn()), 8)
        or current.system <> (select c.system_identifier from pg_control_system() c)
        or current.database <> (select d.oid from pg_database d where d.datname = current_database())
    then
        raise exception 'the log is in another incarnation' using errcode = 'CG001';
    end if;
    return true;
end $$;

grant select on es.incarnations to clustergenie_reader;
