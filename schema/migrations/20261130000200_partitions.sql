-- Partitions of the tables that grow without end: events and log by ranges of numbers, idempotency keys by
-- time. So an old range can be exported and detached, or dropped, without touching the others.
--
-- A partition is named after its table and its number: `events_1` has the numbers 1 to the width, `idempotency_2083`
-- the 2083rd period since 1970. `es.maintain_partitions` creates the next ones in time, and drops those that are no
-- longer kept.

-- Nothing is appended or sequenced meanwhile, so no number is drawn and not stored.
lock table es.events, es.log, es.idempotency in access exclusive mode;

create table es.partitioned_tables (
    name     text   primary key,
    -- How much one partition holds: numbers, or days.
    width    bigint not null check (width > 0),
    by_time  boolean not null,
    -- Columns that are unique within a partition, besides those that are unique in the table.
    unique_columns text,
    -- How many past periods are kept; null for ever.
    periods_kept integer check (periods_kept > 0)
);

-- The number of the partition that holds this time.
create function es.period_at(moment timestamptz, width bigint) returns bigint language sql immutable as $$
    select floor(extract(epoch from moment) / 86400 / width)::bigint
$$;

-- Creates the partition with this number, and returns 1; or returns 0 if it exists. Reads and writes of the table
-- continue meanwhile.
create function es.create_partition(table_name text, number bigint) returns integer
language plpgsql as $$
declare
    settings es.partitioned_tables;
    child text := format('es.%I', table_name || '_' || number);
    parent text := format('es.%I', table_name);
    bounds text;
begin
    select * into strict settings from es.partitioned_tables where name = table_name;
    if to_regclass(child) is not null then
        return 0;
    end if;
    bounds := case
        when settings.by_time then format('from (%L) to (%L)',
            to_timestamp(number * settings.width * 86400), to_timestamp((number + 1) * settings.width * 86400))
        else format('from (%s) to (%s)', (number - 1) * settings.width + 1, number * settings.width + 1)
    end;
    -- Created apart and attached: `create table ... partition of` would wait for all readers, and all would
    -- wait for it.
    execute format('create table %s (like %s including all excluding identity excluding indexes)', child, parent);
    if settings.unique_columns is not null then
        execute format('alter table %s add constraint %I unique (%s)',
            child, table_name || '_' || number || '_unique', settings.unique_columns);
    end if;
    execute format('alter table %s attach partition %s for values %s', parent, child, bounds);
    if exists (select from pg_trigger where tgrelid = parent::regclass and tgfoid = 'es.refuse_change'::regproc) then
        execute format(
            'create trigger is_immutable before update or delete or truncate on %s '
            'for each statement execute function es.refuse_change()', child);
    end if;
    return 1;
end $$;

-- The partitions of a table, with their numbers.
create function es.partitions_of(table_name text, out partition text, out number bigint) returns setof record
language sql stable as $$
    select c.oid::regclass::text, substring(c.relname from '_([0-9]+)$')::bigint
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = format('es.%I', table_name)::regclass
$$;

-- Drops the partitions of a table that are no longer kept: those of periods that ended long ago, after which as many
-- others as are kept were written to. So a clock that jumps ahead drops nothing that is younger. Returns their number.
create function es.drop_old_partitions(settings es.partitioned_tables) returns integer
language plpgsql as $$
declare
    old record;
    newer record;
    is_written boolean;
    written integer;
    changes integer := 0;
begin
    for old in
        select * from es.partitions_of(settings.name)
        where number < es.period_at(now(), settings.width) - settings.periods_kept order by number
    loop
        written := 0;
        for newer in select * from es.partitions_of(settings.name) p where p.number > old.number loop
            execute format('select exists (select from %s)', newer.partition) into is_written;
            written := written + is_written::integer;
        end loop;
        continue when written <= settings.periods_kept;
        begin
            execute format('drop table %s', old.partition);
            changes := changes + 1;
        exception when others then
            raise warning 'the partition % is not dropped: %', old.partition, sqlerrm;
        end;
    end loop;
    return changes;
end $$;

-- Creates the partitions that are needed soon, and drops those that are no longer kept. Returns the number of changes.
-- What fails for one table is a warning, and prevents nothing else. Several processes may call it at once. Runs with the
-- rights of its owner. Whoever uses a table is not kept waiting for long: what is in use is left to the next call.
create function es.maintain_partitions() returns integer
language plpgsql security definer set search_path = pg_catalog set lock_timeout = '200ms' as $$
declare
    settings es.partitioned_tables;
    used bigint;
    changes integer := 0;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('es.maintain_partitions', 0)) then
        return 0;
    end if;
    for settings in select * from es.partitioned_tables order by name loop
        begin
            -- Each one from the one in use to the one that is used half a width later, whatever others exist: a clock
            -- that jumped ahead may have left some that are far away.
            if settings.by_time then
                changes := changes + (
                    select sum(es.create_partition(settings.name, number)) from generate_series(
                        es.period_at(now() - interval '10 minutes', settings.width),
                        es.period_at(now() + settings.width * interval '12 hours', settings.width)
                    ) as number);
            else
                used := case settings.name
                    when 'events' then (select last_value from es.events_seq_seq)
                    else (select position from es.log_head)
                end;
                changes := changes + (
                    select sum(es.create_partition(settings.name, number)) from generate_series(
                        greatest(used - 1, 0) / settings.width + 1, (used + settings.width / 2) / settings.width + 1
                    ) as number);
            end if;
        exception when others then
            raise warning 'partitions of es.% are not created: %', settings.name, sqlerrm;
        end;
    end loop;
    for settings in select * from es.partitioned_tables where periods_kept is not null order by name loop
        changes := changes + es.drop_old_partitions(settings);
    end loop;
    return changes;
end $$;

revoke all on function es.maintain_partitions() from public;
revoke all on function es.drop_old_partitions(es.partitioned_tables) from public;
revoke all on function es.create_partition(text, bigint) from public;

-- Events. The versions of a stream are unique because the append changes the stream's row in `es.streams`, under its
-- lock, in the same statement. A table that is partitioned by number cannot say so, but each partition does.
create temporary table numbers on commit drop as select last_value, is_called from es.events_seq_seq;

alter table es.events rename to events_old;
alter table es.events_old alter seq drop identity;
drop trigger events_are_immutable on es.events_old;
drop policy of_organization on es.events_old;
alter table es.events_old disable row level security;
revoke all on es.events_old from clustergenie_reader;

create table es.events (
    -- Drawn inside the writing transaction, after its transaction id was assigned (the sequencer's
    -- proof needs that), one at a time. Never a reading position: numbers appear out of order.
    seq            bigint      not null generated always as identity (cache 1),
    stream_id      uuid        not null,
    version        bigint      not null constraint events_version_check check (version > 0),
    -- Kafka partition and checkpoint unit, a function of stream type and stream id.
    shard          smallint    not null,
    event_id       uuid        not null,
    org_id         text        not null,
    event_type     text        not null,
    schema_version integer     not null constraint events_schema_version_check check (schema_version > 0),
    -- `json`, not `jsonb`: the bytes as they were written, so that hashes stay valid for ever.
    data           json        not null,
    metadata       json        not null,
    recorded_at    timestamptz not null default clock_timestamp()
) partition by range (seq);
select setval('es.events_seq_seq', last_value, is_called) from numbers;

insert into es.partitioned_tables values ('events', 1 << 26, false, 'stream_id, version', null);

-- The events that exist become the first partition as they are: nothing is copied.
do $$
declare
    width bigint := (select p.width from es.partitioned_tables p where name = 'events');
    number bigint := (select greatest(last_value - 1, 0) / width + 1 from es.events_seq_seq);
begin
    execute format('alter table es.events_old rename to events_%s', number);
    execute format('alter table es.events attach partition es.events_%s for values from (1) to (%s)',
        number, number * width + 1);
    execute format('alter index es.events_seq_key rename to events_%s_seq_key', number);
    execute format('alter index es.events_pkey rename to events_%s_unique', number);
    execute format('create trigger is_immutable before update or delete or truncate on es.events_%s '
        'for each statement execute function es.refuse_change()', number);
end $$;
alter table es.events add constraint events_seq_key unique (seq);

create trigger events_are_immutable before update or delete or truncate on es.events
    for each statement execute function es.refuse_change();
alter table es.events enable row level security;
create policy of_organization on es.events for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
grant select on es.events to clustergenie_reader;

-- The log. It is written again, because each row gets two more columns.
alter table es.log rename to log_old;
alter index es.log_pkey rename to log_old_pkey;
alter index es.log_by_shard rename to log_old_by_shard;
alter index es.log_by_organization rename to log_old_by_organization;

create table es.log (
    -- Dense and final: 1, 2, 3, ...
    position     bigint      not null primary key,
    seq          bigint      not null,
    shard        smallint    not null,
    org_id       text        not null,
    -- Dense and final within the organization: 1, 2, 3, ...
    org_position bigint      not null,
    -- The time when the sequencer gave the position; never earlier than that of the position before. Of events that
    -- an older program sequenced: the latest `recorded_at` up to the position.
    sequenced_at timestamptz not null
) partition by range (position);
-- The position of an event; lets the sequencer and the audit find it.
create index log_by_number on es.log (seq);
-- Lag of a shard, and reading one shard alone to repair what Kafka no longer has.
create index log_by_shard on es.log (shard, position);
-- The history of one organization, and its subscribers' catching up.
create index log_by_organization on es.log (org_id, position);

-- A position is never taken back or given to another event.
create trigger log_is_immutable before update or delete or truncate on es.log
    for each statement execute function es.refuse_change();

insert into es.partitioned_tables values ('log', 1 << 26, false, null, null);
select es.create_partition('log', number)
from es.log_head, generate_series(1, greatest(position - 1, 0) / (1 << 26) + 1) as number;
insert into es.log (position, seq, shard, org_id, org_position, sequenced_at)
select l.position, l.seq, l.shard, l.org_id,
    row_number() over (partition by l.org_id order by l.position),
    max(e.recorded_at) over (order by l.position)
from es.log_old l join es.events e using (seq)
order by l.position;
drop table es.log_old;

alter table es.log enable row level security;
create policy of_organization on es.log for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
grant select on es.log to clustergenie_reader;

-- Idempotency keys.
alter table es.idempotency rename to idempotency_old;
alter index es.idempotency_pkey rename to idempotency_old_pkey;
alter index es.idempotency_by_age rename to idempotency_old_by_age;

create table es.idempotency (
    org_id       text        not null,
    key          text        not null,
    -- The beginning of a period of ten days: one of `es.periods_of_key()`.
    period       timestamptz not null,
    request_hash bytea       not null,
    receipt      json        not null,
    recorded_at  timestamptz not null default clock_timestamp(),
    primary key (org_id, key, period)
) partition by range (period);

-- The periods under which a key is stored now: that of now, and that of ten minutes ago. Two transactions that take one
-- key at the same time so have a period in common, and the primary key lets one of them win, also when a period ends
-- between them. No statement runs for ten minutes.
create function es.periods_of_key(moment timestamptz default now()) returns setof timestamptz language sql stable as $$
    select distinct date_bin('10 days', m, timestamptz 'epoch')
    from unnest(array[moment, moment - interval '10 minutes']) as m
$$;

insert into es.partitioned_tables values ('idempotency', 10, true, null, 3);
select es.create_partition('idempotency', number)
from generate_series(
    (select es.period_at(least(min(recorded_at), now()) - interval '10 minutes', 10) from es.idempotency_old),
    (select es.period_at(greatest(max(recorded_at), now()), 10) from es.idempotency_old)
) as number;
insert into es.idempotency (org_id, key, period, request_hash, receipt, recorded_at)
select org_id, key, date_bin('10 days', recorded_at, timestamptz 'epoch'), request_hash, receipt, recorded_at
from es.idempotency_old;
drop table es.idempotency_old;

select es.maintain_partitions();
