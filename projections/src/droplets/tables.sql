-- One row a droplet, also when it is deleted. `read_v1.sql` says what the columns mean.
--
-- Tags have no index of their own: under row-level security Postgres uses an index only for
-- operators that cannot leak, and `@>` and `ilike` are not marked so. Both filter the rows of one
-- organization, found by the indexes below.
create table droplets (
    id                   uuid        primary key,
    org_id               text        not null,
    name                 text        collate "C" not null,
    status               text        not null,
    size                 text        not null,
    region               text        not null,
    image                text        not null,
    tags                 text[]      not null,
    cluster_id           uuid,
    cluster              text,
    provisioner          text        not null,
    protection           text        not null,
    vcpus                bigint      not null,
    memory_mib           bigint      not null,
    disk_gib             bigint      not null,
    price_hourly_micros  bigint      not null,
    price_monthly_micros bigint      not null,
    addresses            jsonb       not null,
    failure_reason       text,
    version              bigint      not null,
    created_at           timestamptz not null,
    updated_at           timestamptz not null,
    recorded_at          timestamptz not null
) with (fillfactor = 70);

create index droplets_by_created_at on droplets (org_id, created_at, id);
create index droplets_by_name on droplets (org_id, name, id);
create index droplets_by_cluster on droplets (org_id, cluster_id, created_at, id)
    where cluster_id is not null;

-- Most droplets are deleted in the end, and most lists omit them.
create index droplets_live_by_created_at on droplets (org_id, created_at, id) where status <> 'DELETED';
create index droplets_live_by_updated_at on droplets (org_id, updated_at, id) where status <> 'DELETED';
create index droplets_live_by_name on droplets (org_id, name, id) where status <> 'DELETED';

select projections.protect('droplets');
