-- The log: committed events in their final order. Written only by the sequencer that holds the
-- lease; read by everything that follows events.

create table es.log (
    -- Dense and final: 1, 2, 3, ...
    position bigint   primary key,
    seq      bigint   not null unique,
    shard    smallint not null,
    org_id   text     not null
);

-- Lag of a shard, and reading one shard alone to repair what Kafka no longer has.
create index log_by_shard on es.log (shard, position);

-- The history of one organization, and its subscribers' catching up.
create index log_by_organization on es.log (org_id, position);

-- A position is never taken back or given to another event.
create trigger log_is_immutable before update or delete or truncate on es.log
    for each statement execute function es.refuse_change();

-- What the codes of stream types are called, in shards and in topics. Written by every program that records
-- events, before it records any, so that an older one can name the types that it does not know. Codes and
-- names are never reused.
create table es.stream_types (
    code smallint primary key check (code >= 0),
    name text     not null unique
);

create table es.log_head (
    only_row boolean primary key default true check (only_row),
    -- The last position given. Moves by compare-and-set together with the rows of `es.log`.
    position bigint  not null default 0,
    -- Every number up to here is in the log or can never appear: where a new sequencer starts.
    low_mark bigint  not null default 0,
    -- The epoch of the lease under which the head was last taken over.
    epoch    bigint  not null default 0
);
insert into es.log_head default values;

-- Who may act for a role that has one actor at a time. A lease says who should; the epoch, checked
-- with every write, says who may. The clock only decides how soon a standby tries.
create table es.leases (
    name       text        primary key,
    owner      text        not null,
    epoch      bigint      not null,
    expires_at timestamptz not null
);
