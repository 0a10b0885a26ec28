-- The history of the streams in `bench.streams`, and the rows that the platform writes from it. Each stream but the live
-- ones is a copy of one droplet that commands provisioned, tagged and deleted (`bench.template`).
set max_parallel_workers_per_gather = 0;

insert into es.streams (stream_id, stream_type, org_id, version)
select id, 'droplet', org, case when is_live then 1 else (select max(version) from bench.template) end from bench.streams;

insert into es.events
    (stream_id, version, shard, event_id, org_id, event_type, schema_version, data, metadata)
select s.id, t.version, s.shard, gen_random_uuid(), s.org, t.event_type, t.schema_version, t.data,
    case when s.is_live then replace(t.metadata::text, '"bench"', '"seldom"')::json else t.metadata end
from bench.streams s join bench.template t on t.version = 1 or not s.is_live
order by s.at, s.org, t.version;

insert into es.log (position, seq, shard, org_id, org_position, sequenced_at)
select row_number() over (order by seq), seq, shard, org_id, row_number() over (partition by org_id order by seq),
    (select max(recorded_at) from es.events)
from es.events order by seq;
update es.log_head set position = (select max(position) from es.log), low_mark = (select max(seq) from es.events);

-- One row for each accepted command; 10 were rejected.
insert into es.commands (org_id, recorded_at, command_id, name, stream_type, stream_id, actor, outcome, program, record)
select org, now() - ($streams - n) * interval '1 millisecond', gen_random_uuid(), 'provision_droplet', 0, id,
    case when n <= 10 then 'seldom' else 'bench' end,
    case when n <= 10 then 'REJECTED' else 'ACCEPTED' end, '0.1.0', record
from bench.streams cross join (select record from es.commands order by recorded_at limit 1) as one;

insert into read_v1.clusters
    (id, org_id, name, status, description, minimum_nodes, maximum_nodes, version, created_at, updated_at, recorded_at)
select bench.id(at), 'bench', 'cluster-' || n, 'ACTIVE', '', 0, 1000, 1, at, at, at
from (select n, timestamptz '2026-01-01' + n * interval '1 hour' as at from generate_series(1, 200) as n) as rows;

insert into read_v1.droplets
    (id, org_id, name, status, size, region, image, tags, cluster_id, provisioner, protection, vcpus, memory_mib,
     disk_gib, price_hourly_micros, price_monthly_micros, addresses, version, created_at, updated_at, recorded_at)
select s.id, org, 'web-' || n, case when is_live then 'ACTIVE' else 'DELETED' end, 's-1vcpu-1gb', 'nyc3',
    'ubuntu-24-04-x64', '{env:prod}', null, 'AGENT', 'UNPROTECTED', 1, 1024, 25, 8930, 6000000, '[]', case when is_live then 1 else 4 end, at,
    at + random() * interval '1 day', at
from bench.streams s order by at, org;

-- A job a droplet; those of live droplets run.
insert into read_v1.jobs
    (id, org_id, kind, status, droplet_id, runner, attempts, parameters, worker, percent, version, created_at,
     started_at, finished_at, updated_at, recorded_at)
select bench.id(at), org, case when n <= 10 then 'seldom' else 'batch' end,
    case when is_live then 'RUNNING' else 'SUCCEEDED' end, id, 'AGENT', 3, '{}', 'worker-' || n % 20, 100, 3, at, at,
    at, at + random() * interval '1 day', at
from bench.streams order by at, org;

insert into read_v1.activity
    (org_id, position, kind, resource_type, resource_id, resource_name, actor, summary, occurred_at, recorded_at)
select l.org_id, l.position, case when l.position <= 10 then 'droplet_provisioning_failed' else e.event_type end, 'droplet', e.stream_id, 'web',
    e.metadata ->> 'actor', 'web changed', timestamptz '2026-02-01' + l.position * interval '3 seconds', e.recorded_at
from es.log l join es.events e using (seq) order by l.position;

insert into read_v1.counts (org_id, dimension, value, count)
select org_id, 'droplet_status', status, count(*) from read_v1.droplets group by 1, 3
union all
select org_id, 'job_status', status, count(*) from read_v1.jobs group by 1, 3
union all
select org_id, 'job_kind', kind, count(*) from read_v1.jobs group by 1, 3
union all
select org_id, 'cluster_status', status, count(*) from read_v1.clusters group by 1, 3;
