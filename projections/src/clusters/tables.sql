-- One row a cluster. `read_v1.sql` says what the columns mean.
create table clusters (
    id            uuid        primary key,
    org_id        text        not null,
    name          text        collate "C" not null,
    status        text        not null,
    description   text        not null,
    minimum_nodes bigint      not null,
    maximum_nodes bigint      not null,
    version       bigint      not null,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    recorded_at   timestamptz not null
) with (fillfactor = 70);

create index clusters_by_created_at on clusters (org_id, created_at, id);
create index clusters_by_name on clusters (org_id, name, id);

select projections.protect('clusters');
