-- Copies the streams in `bench.template`, $copies times each, and gives the events their positions.
create temporary table copied as
select t.stream_id as template, gen_random_uuid() as id, n, (t.stream_type = 'job')::int * 8 + n % 8 as shard,
    t.stream_type, t.version
from (
    select stream_id, stream_type, max(version) as version from bench.template group by 1, 2
) t cross join generate_series(1, $copies) as n;

insert into es.streams (stream_id, stream_type, org_id, version)
select id, stream_type, 'bench', version from copied;

-- Version by version within 1,000 streams, so that the events of a stream are apart, as they are on a real platform.
insert into es.events (stream_id, version, shard, event_id, org_id, event_type, schema_version, data, metadata)
select c.id, t.version, c.shard, gen_random_uuid(), 'bench', t.event_type, t.schema_version, t.data, t.metadata
from copied c join bench.template t on t.stream_id = c.template
order by c.n / 1000, t.version, c.n;

with head as materialized (
    select position, low_mark, (select count(*) from es.log where org_id = 'bench') as org_position from es.log_head
),
given as (
    insert into es.log (position, seq, shard, org_id, org_position, sequenced_at)
    select head.position + row_number() over (order by seq), seq, shard, org_id,
        head.org_position + row_number() over (order by seq), now()
    from es.events, head where seq > head.low_mark
    returning position, seq
)
update es.log_head set position = (select max(position) from given), low_mark = (select max(seq) from given);

drop table copied;
