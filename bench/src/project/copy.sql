-- Copies the streams in `bench.template` to those in `copied`, and gives the events their positions.
insert into es.streams (stream_id, stream_type, org_id, version)
select c.id, c.stream_type, 'bench', max(t.version) from copied c join bench.template t using (stream_type) group by 1, 2;

-- Version by version within 1,000 streams, so that the events of a stream are apart, as they are on a real platform.
insert into es.events (stream_id, version, shard, event_id, org_id, event_type, schema_version, data, metadata)
select c.id, t.version, c.shard, gen_random_uuid(), 'bench', t.event_type, t.schema_version, t.data, t.metadata
from copied c join bench.template t using (stream_type)
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
