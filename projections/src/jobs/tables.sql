-- One row a job. `read_v1.sql` says what the columns mean.
create table jobs (
    id          uuid        primary key,
    org_id      text        not null,
    kind        text        not null,
    status      text        not null,
    droplet_id  uuid,
    cluster     text,
    runner      text        not null,
    attempts    smallint    not null,
    -- `json`, not `jsonb`: the text as the event has it, and ten times as fast to read.
    parameters  json        not null,
    worker      text,
    percent     smallint    not null,
    message     text,
    result      json,
    reason      text,
    version     bigint      not null,
    created_at  timestamptz not null,
    started_at  timestamptz,
    finished_at timestamptz,
    updated_at  timestamptz not null,
    recorded_at timestamptz not null
) with (fillfactor = 70);

create index jobs_by_created_at on jobs (org_id, created_at, id);
create index jobs_by_droplet on jobs (org_id, droplet_id, created_at, id)
    where droplet_id is not null;

create index jobs_by_updated_at on jobs (org_id, updated_at, id);
create index jobs_by_status on jobs (org_id, status, created_at, id);
create index jobs_by_kind on jobs (org_id, kind, created_at, id);

select projections.protect('jobs');
