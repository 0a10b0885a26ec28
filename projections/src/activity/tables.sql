-- One line an event, for people. `read_v1.sql` says what the columns mean.
create table activity (
    org_id        text        not null,
    position      bigint      not null,
    kind          text        not null,
    resource_type text        not null,
    resource_id   uuid        not null,
    resource_name text,
    actor         text        not null,
    summary       text        not null,
    occurred_at   timestamptz not null,
    recorded_at   timestamptz not null,
    primary key (org_id, position)
);

create index activity_by_resource on activity (org_id, resource_id, position);

select projections.protect('activity');

-- What the model calls a resource: its own memory, because models advance independently. Read by
-- nobody else.
create table activity_names (
    stream_id uuid primary key,
    name      text not null
);
