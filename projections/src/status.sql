-- How far the generation of the projection $1 that serves is in the shards $2. A shard without a
-- checkpoint has not been begun. The first unapplied event bounds the position: a shard in which nothing
-- happens keeps its old checkpoint for ever, and that is not lag. Counting stops at 10,000 events a shard:
-- who is that far behind is asked often, and must not pay for an exact number.
with serving as (
    select coalesce(max(generation), 1) as generation
    from es.generations where consumer = $1 and state = 'SERVING'
),
shard as (
    select s.shard, coalesce(c.position, 0) as position
    from serving g
    cross join unnest($2::smallint[]) as s(shard)
    left join es.checkpoints c
        on c.consumer = $1 and c.generation = g.generation and c.shard = s.shard
),
behind as (
    select
        (select count(*) from (
             select from es.log l
             where l.shard = s.shard and l.position > s.position limit 10000) uncounted) as events,
        (select l.position from es.log l
         where l.shard = s.shard and l.position > s.position order by l.position limit 1) as first
    from shard s
)
select
    (select generation from serving) as generation,
    coalesce(min(b.first) - 1, (select position from es.log_head)) as position,
    coalesce(sum(b.events), 0)::bigint as lag_events,
    coalesce(extract(epoch from clock_timestamp() - (
        select e.recorded_at from es.log l join es.events e on e.seq = l.seq
        where l.position = min(b.first))), 0)::float8 as lag_seconds,
    (select count(distinct p.stream_id) from es.parked p
     where p.consumer = $1 and p.generation = (select generation from serving)
         and not exists (select from es.skipped s where s.consumer = p.consumer
             and s.generation = p.generation and s.stream_id = p.stream_id)) as parked_streams
from behind b
