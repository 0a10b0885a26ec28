-- Read models: what queries of clients are answered from. Written only by the projection of the
-- same name, in the transaction of its checkpoint; emptied and filled again from the log at any time.
--
-- Clients' queries run as the role `clustergenie_reader` with the setting `clustergenie.org`: it sees
-- the rows of that organization and nothing at all without the setting. The owner, who writes, is not
-- bound by the policies.

create schema read;

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

-- One row a droplet, also when it is deleted. Read by the API (droplet, droplets, node) and analysts.
--
-- Tags have no index of their own: under row-level security Postgres uses an index only for
-- operators that cannot leak, and `@>` and `ilike` are not marked so. Both filter the rows of one
-- organization, found by the indexes below.
create table read.droplets (
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

create index droplets_by_created_at on read.droplets (org_id, created_at, id);
create index droplets_by_name on read.droplets (org_id, name, id);

-- One row a job. Read by the API (job, jobs, node) and analysts.
create table read.jobs (
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

create index jobs_by_created_at on read.jobs (org_id, created_at, id);
create index jobs_by_droplet on read.jobs (org_id, droplet_id, created_at, id)
    where droplet_id is not null;

-- One line an event, for people. Read by the API (activity), newest first.
create table read.activity (
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

create index activity_by_resource on read.activity (org_id, resource_id, position);

-- What the activity projection calls a resource: its own memory, because projections advance
-- independently. Read by nobody else.
create table read.activity_names (
    stream_id uuid primary key,
    name      text not null
);

-- How many there are: per organization, one row a dimension and value. A row that reaches zero is
-- removed. Read by the API (counts) and analysts.
create table read.counts (
    org_id    text   not null,
    -- droplet_status (deleted ones too); droplet_size and droplet_region (living ones: REQUESTED,
    -- ACTIVE, DELETING); job_status; job_kind.
    dimension text   not null,
    value     text   not null,
    count     bigint not null,
    primary key (org_id, dimension, value)
) with (fillfactor = 50);

-- What the counts projection last counted a resource as: its own memory. Read by nobody else.
create table read.counted (
    stream_id uuid   primary key,
    version   bigint not null,
    counted   jsonb  not null
) with (fillfactor = 70);

-- The one rule of every table that clients read.
alter table read.droplets enable row level security;
alter table read.jobs enable row level security;
alter table read.activity enable row level security;
alter table read.counts enable row level security;
alter table es.events enable row level security;

create policy of_organization on read.droplets for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
create policy of_organization on read.jobs for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
create policy of_organization on read.activity for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
create policy of_organization on read.counts for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
create policy of_organization on es.events for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));

grant usage on schema read, es to clustergenie_reader;
grant select on read.droplets, read.jobs, read.activity, read.counts to clustergenie_reader;
-- Events have their policy, the others name no organization. `es.parked`, which holds texts about
-- streams of all of them, is not for clients.
grant select on es.events, es.log, es.log_head, es.checkpoints to clustergenie_reader;
