-- Read models: what queries of clients are answered from. Written only by the projection of the
-- same name, in the transaction of its checkpoint; made again from the log at any time.
--
-- The tables of a generation (`es.generations`) are in a schema of their own, such as `droplets_1`; the
-- views in `read_v1` show the generation that serves. Whoever reads, reads `read_v1`: there are permissions,
-- and other views upon these, which a new generation leaves as they are.
--
-- Clients' queries run as the role `clustergenie_reader` with the setting `clustergenie.org`: it sees
-- the rows of that organization and nothing at all without the setting. The owner, who writes, is not
-- bound by the policies.

create schema read_v1;

-- Roles belong to the whole cluster: another database may have made this one, even at this moment.
do $$
begin
    create role clustergenie_reader nologin;
exception
    when duplicate_object or unique_violation then null;
end $$;

-- An owner that is no superuser must be a member to take the role on.
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant clustergenie_reader to %I', current_user);
    end if;
exception
    when unique_violation then null;
end $$;

create schema droplets_1;
create schema jobs_1;
create schema activity_1;
create schema counts_1;

-- One row a droplet, also when it is deleted. Read by the API (droplet, droplets, node) and analysts.
--
-- Tags have no index of their own: under row-level security Postgres uses an index only for
-- operators that cannot leak, and `@>` and `ilike` are not marked so. Both filter the rows of one
-- organization, found by the indexes below.
create table droplets_1.droplets (
    id                   uuid        primary key,
    org_id               text        not null,
    name                 text        collate "C" not null,
    -- REQUESTED, ACTIVE, FAILED, DELETING, DELETED.
    status               text        not null,
    size                 text        not null,
    region               text        not null,
    image                text        not null,
    tags                 text[]      not null,
    cluster              text,
    -- PLATFORM, AGENT.
    provisioner          text        not null,
    -- UNPROTECTED, PROTECTED.
    protection           text        not null,
    vcpus                bigint      not null,
    memory_mib           bigint      not null,
    disk_gib             bigint      not null,
    price_hourly_micros  bigint      not null,
    price_monthly_micros bigint      not null,
    -- [{"kind": "PUBLIC" | "PRIVATE", "ip": ...}]
    addresses            jsonb       not null,
    failure_reason       text,
    -- The version of the droplet's stream that the row shows.
    version              bigint      not null,
    -- Business times of the first and of the last event; then our time of the last event.
    created_at           timestamptz not null,
    updated_at           timestamptz not null,
    recorded_at          timestamptz not null
) with (fillfactor = 70);

create index droplets_by_created_at on droplets_1.droplets (org_id, created_at, id);
create index droplets_by_name on droplets_1.droplets (org_id, name, id);

-- One row a job. Read by the API (job, jobs, node) and analysts.
create table jobs_1.jobs (
    id          uuid        primary key,
    org_id      text        not null,
    kind        text        not null,
    -- SUBMITTED, RUNNING, SUCCEEDED, FAILED, CANCELLED.
    status      text        not null,
    -- What it concerns: one of the two.
    droplet_id  uuid,
    cluster     text,
    -- PLATFORM, AGENT.
    runner      text        not null,
    attempts    smallint    not null,
    parameters  jsonb       not null,
    worker      text,
    percent     smallint    not null,
    message     text,
    result      jsonb,
    -- Why it failed or was cancelled.
    reason      text,
    version     bigint      not null,
    created_at  timestamptz not null,
    started_at  timestamptz,
    finished_at timestamptz,
    updated_at  timestamptz not null,
    recorded_at timestamptz not null
) with (fillfactor = 70);

create index jobs_by_created_at on jobs_1.jobs (org_id, created_at, id);
create index jobs_by_droplet on jobs_1.jobs (org_id, droplet_id, created_at, id)
    where droplet_id is not null;

-- One line an event, for people. Read by the API (activity), newest first.
create table activity_1.activity (
    org_id        text        not null,
    position      bigint      not null,
    -- The event's stored name, such as droplet_activated.
    kind          text        not null,
    -- droplet, job.
    resource_type text        not null,
    resource_id   uuid        not null,
    -- The droplet's name or the job's kind as of the event.
    resource_name text,
    actor         text        not null,
    summary       text        not null,
    occurred_at   timestamptz not null,
    recorded_at   timestamptz not null,
    primary key (org_id, position)
);

create index activity_by_resource on activity_1.activity (org_id, resource_id, position);

-- What the activity projection calls a resource: its own memory, because projections advance
-- independently. Read by nobody else.
create table activity_1.activity_names (
    stream_id uuid primary key,
    name      text not null
);

-- How many there are: per organization, one row a dimension and value. A row that reaches zero is
-- removed. Read by the API (counts) and analysts.
create table counts_1.counts (
    org_id    text   not null,
    -- droplet_status (deleted ones too); droplet_size and droplet_region (living ones: REQUESTED,
    -- ACTIVE, DELETING); job_status; job_kind.
    dimension text   not null,
    value     text   not null,
    count     bigint not null,
    primary key (org_id, dimension, value)
) with (fillfactor = 50);

-- What the counts projection last counted a resource as: its own memory. Read by nobody else.
create table counts_1.counted (
    stream_id uuid   primary key,
    version   bigint not null,
    counted   jsonb  not null
) with (fillfactor = 70);

-- The one rule of every table that clients read: it is bound to an organization, by its column `org_id`.
create function read_v1.protect(in_schema text, table_name text) returns void
language plpgsql as $$
begin
    execute format('alter table %I.%I enable row level security', in_schema, table_name);
    execute format(
        'create policy of_organization on %I.%I for select to clustergenie_reader '
        'using (org_id = current_setting(''clustergenie.org'', true))', in_schema, table_name);
    execute format('grant usage on schema %I to clustergenie_reader', in_schema);
    execute format('grant select on %I.%I to clustergenie_reader', in_schema, table_name);
end $$;

-- Shows the tables of a generation to clients: those that are bound to an organization. The columns
-- must be those of the generation before; new ones come last.
create function read_v1.serve(projection text, generation integer) returns void
language plpgsql as $$
declare
    its_schema text := format('%s_%s', projection, generation);
    shown text;
begin
    for shown in
        select c.relname from pg_class c
        where c.relnamespace = its_schema::regnamespace and c.relkind = 'r' and c.relrowsecurity
        order by c.relname
    loop
        execute format(
            'create or replace view read_v1.%I with (security_invoker = true) as select * from %I.%I',
            shown, its_schema, shown);
        execute format('grant select on read_v1.%I to clustergenie_reader', shown);
    end loop;
end $$;

-- Makes the empty tables of a generation, cut like those of the one that serves.
create function read_v1.make_generation(projection text, generation integer) returns void
language plpgsql as $$
declare
    its_schema text := format('%s_%s', projection, generation);
    model record;
begin
    execute format('create schema %I', its_schema);
    for model in
        select c.relname as name, n.nspname as serving, c.relrowsecurity as is_for_clients,
            array_to_string(c.reloptions, ', ') as options
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join es.generations g on n.nspname = format('%s_%s', g.consumer, g.generation)
        where g.consumer = projection and g.state = 'SERVING' and c.relkind = 'r'
    loop
        execute format('create table %I.%I (like %I.%I including all)',
            its_schema, model.name, model.serving, model.name);
        if model.options is not null then
            execute format('alter table %I.%I set (%s)', its_schema, model.name, model.options);
        end if;
        if model.is_for_clients then
            perform read_v1.protect(its_schema, model.name);
        end if;
    end loop;
end $$;

-- Drops the tables of a generation that does not serve. Fails while something depends on them.
create function read_v1.drop_generation(projection text, generation integer) returns void
language plpgsql as $$
declare
    its_schema text := format('%s_%s', projection, generation);
    model text;
begin
    for model in
        select c.relname from pg_class c
        where c.relnamespace = to_regnamespace(its_schema) and c.relkind = 'r'
    loop
        execute format('drop table %I.%I', its_schema, model);
    end loop;
    execute format('drop schema if exists %I', its_schema);
end $$;

grant usage on schema read_v1, es to clustergenie_reader;
select read_v1.protect('droplets_1', 'droplets');
select read_v1.serve('droplets', 1);
select read_v1.protect('jobs_1', 'jobs');
select read_v1.serve('jobs', 1);
select read_v1.protect('activity_1', 'activity');
select read_v1.serve('activity', 1);
select read_v1.protect('counts_1', 'counts');
select read_v1.serve('counts', 1);

alter table es.events enable row level security;
create policy of_organization on es.events for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
-- Events have their policy, the others name no organization. `es.parked`, which holds texts about
-- streams of all of them, and the reports of generations are not for clients.
grant select on es.events, es.log, es.log_head, es.checkpoints to clustergenie_reader;
grant select (consumer, generation, version, state) on es.generations to clustergenie_reader;
