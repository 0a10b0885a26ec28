-- Two organizations with 100,000 droplets, 300,000 jobs and 200 clusters each, straight into the read models.
--
-- The rows are written through the views of clients, so that the tables of the serving generation get them.
-- The organizations' rows are mixed in the tables, as on a real platform. Every run makes the same rows.
select setseed(0.42);
set max_parallel_workers_per_gather = 0;

create schema bench;

-- An id as the platform makes them: in the order of time, and otherwise random.
create function bench.id(at timestamptz) returns uuid language sql as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
        || substr(bits, 1, 3) || '8' || substr(bits, 4, 15))::uuid
    from (select md5(random()::text) as bits) as random
$$;

create function bench.one_of(texts text[]) returns text language sql as $$
    select texts[1 + floor(random() * cardinality(texts))::int]
$$;

insert into read_v1.clusters
    (id, org_id, name, status, description, minimum_nodes, maximum_nodes, version, created_at, updated_at,
     recorded_at)
select bench.id(at), org, 'cluster-' || n, 'ACTIVE', '', 0, 1000, 1, at, at, at
from (select n, org, timestamptz '2026-01-01' + n * interval '1 hour' as at
      from generate_series(1, 200) as n, unnest(array['bench', 'other']) as org) as rows;

-- Sizes and prices of the catalogue.
create table bench.sizes as
select row_number() over () - 1 as number, * from (values
    ('s-1vcpu-1gb', 1, 1024, 25, 6000000, 8930),
    ('s-1vcpu-2gb', 1, 2048, 50, 12000000, 17860),
    ('s-2vcpu-2gb', 2, 2048, 60, 18000000, 26790),
    ('s-2vcpu-4gb', 2, 4096, 80, 24000000, 35710),
    ('s-4vcpu-8gb', 4, 8192, 160, 48000000, 71430),
    ('c-2', 2, 4096, 25, 42000000, 62500)
) as sizes (slug, vcpus, memory_mib, disk_gib, price_monthly, price_hourly);

create table bench.clusters as
select org_id, row_number() over (partition by org_id order by created_at) as number, id from read_v1.clusters;

insert into read_v1.droplets
    (id, org_id, name, status, size, region, image, tags, cluster_id, provisioner, protection, vcpus, memory_mib,
     disk_gib, price_hourly_micros, price_monthly_micros, addresses, failure_reason, version, created_at,
     updated_at, recorded_at)
select bench.id(at), org, bench.one_of('{web,db,cache,queue,build}') || '-' || substr(md5(n::text || org), 1, 10),
    status, slug, bench.one_of('{nyc1,nyc3,sfo3,ams3,fra1,lon1,sgp1,tor1}'),
    bench.one_of('{ubuntu-24-04-x64,debian-13-x64,fedora-43-x64}'),
    (array['env:prod', 'team:core', 'tier:1'])[1:floor(random() * 4)::int],
    clusters.id, 'PLATFORM', case when random() < 0.1 then 'PROTECTED' else 'UNPROTECTED' end, vcpus, memory_mib,
    disk_gib, price_hourly, price_monthly,
    case status when 'ACTIVE' then
        jsonb_build_array(
            jsonb_build_object('kind', 'PUBLIC', 'ip', '203.0.113.' || n % 256),
            jsonb_build_object('kind', 'PRIVATE', 'ip', '10.' || n / 65536 || '.' || n / 256 % 256 || '.' || n % 256))
        else '[]' end,
    case status when 'FAILED' then 'no capacity' end, 2 + floor(random() * 5)::int, at, at + interval '1 minute',
    at + interval '1 minute'
from (
    select n, org, timestamptz '2026-02-01' + n * interval '2 minutes' + random() * interval '1 minute' as at,
        (array['ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE',
               'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'DELETED', 'DELETED', 'REQUESTED', 'FAILED',
               'DELETING'])[1 + floor(random() * 20)::int] as status,
        floor(random() * 6) as size, case when random() < 0.5 then 1 + floor(random() * 200) end as cluster
    from generate_series(1, 100000) as n, unnest(array['bench', 'other']) as org
) as rows
join bench.sizes on sizes.number = rows.size
left join bench.clusters on clusters.org_id = rows.org and clusters.number = rows.cluster;

-- One to five jobs a droplet.
insert into read_v1.jobs
    (id, org_id, kind, status, droplet_id, runner, attempts, parameters, worker, percent, version, created_at,
     started_at, finished_at, updated_at, recorded_at)
select bench.id(at), org_id, bench.one_of('{provision,batch,backup,resize}'),
    (array['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'FAILED', 'CANCELLED'])[1 + floor(random() * 6)::int],
    droplet_id, 'PLATFORM', 3, '{}', 'worker-' || floor(random() * 20), 100, 3, at, at + interval '1 second',
    at + interval '1 minute', at + interval '1 minute', at + interval '1 minute'
from (
    select org_id, id as droplet_id, created_at + random() * interval '30 days' as at
    from (select *, row_number() over (partition by org_id order by created_at) as number from read_v1.droplets)
        as numbered, generate_series(0, number % 5)
) as rows
order by at;

insert into read_v1.counts (org_id, dimension, value, count)
select org_id, 'droplet_status', status, count(*) from read_v1.droplets group by 1, 3
union all
select org_id, 'droplet_size', size, count(*) from read_v1.droplets
where status in ('REQUESTED', 'ACTIVE', 'DELETING') group by 1, 3
union all
select org_id, 'droplet_region', region, count(*) from read_v1.droplets
where status in ('REQUESTED', 'ACTIVE', 'DELETING') group by 1, 3
union all
select org_id, 'job_status', status, count(*) from read_v1.jobs group by 1, 3
union all
select org_id, 'job_kind', kind, count(*) from read_v1.jobs group by 1, 3
union all
select org_id, 'cluster_status', status, count(*) from read_v1.clusters group by 1, 3;
