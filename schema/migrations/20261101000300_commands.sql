-- What else commits together with the events of a command.

-- Uniqueness across streams, such as the name of a live droplet in its organization.
create table es.reservations (
    -- Empty for names that are unique over all organizations.
    org_id    text not null,
    scope     text not null,
    key       text not null,
    stream_id uuid not null,
    primary key (org_id, scope, key)
);

-- How many streams are in a state that is counted, such as the live ones of a group: what quotas and
-- capacities are checked against. Changed and checked by the append only. A row is never deleted, so
-- that a count of zero can be locked.
create table es.counters (
    -- Empty for counters over all organizations.
    org_id text   not null,
    scope  text   not null,
    key    text   not null,
    count  bigint not null default 0 check (count >= 0),
    primary key (org_id, scope, key)
) with (fillfactor = 50);

-- Commands that carried an idempotency key, with the receipt of their first run.
create table es.idempotency (
    org_id       text        not null,
    key          text        not null,
    request_hash bytea       not null,
    receipt      json        not null,
    recorded_at  timestamptz not null default clock_timestamp(),
    primary key (org_id, key)
);

-- What is old is forgotten.
create index idempotency_by_age on es.idempotency (recorded_at);

-- Folded state of long streams: a shortcut, never a truth. Written after the events it contains are
-- committed, read only when `state_version` is the program's own.
create table es.snapshots (
    stream_id     uuid    primary key,
    version       bigint  not null check (version > 0),
    state_version integer not null,
    state         json    not null
);
