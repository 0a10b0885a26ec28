-- A history of `$streams` droplets in the organization `bench`, and a tenth of it in `other`, with the rows that the platform
-- writes from it: 10 droplets live, all others are deleted. Every run makes the same rows.
--
-- The streams are copies of one droplet that commands provisioned, tagged and deleted (`bench.template`).
select setseed(0.42);
set max_parallel_workers_per_gather = 0;
set synchronous_commit = off;

-- An id as the platform makes them: in the order of time, and otherwise random.
create function bench.id(at timestamptz) returns uuid language sql as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
        || substr(bits, 1, 3) || '8' || substr(bits, 4, 15))::uuid
    from (select md5(random()::text) as bits) as random
$$;

create table bench.streams as
select n, null::smallint as shard, org, bench.id(at) as id, at, org = 'bench' and n <= 10 as is_live
from (
    select n, org, timestamptz '2026-02-01' + n * interval '10 seconds' as at
    from (values ('bench', $streams), ('other', $streams / 10)) as orgs (org, streams), generate_series(1, streams) as n
) as numbered
order by at, org;
