-- How far the projection $1 of generation $2 is in the shards $3. A shard without a checkpoint has
-- not been begun. The first unapplied event bounds the position: a shard in which nothing happens
-- keeps its old checkpoint for ever, and that is not lag. Counting stops at 10,000 events a shard: who
-- is that far behind is asked often, and must not pay for an exact number.
with shard as (
    select s.shard, coalesce(c.position, 0) as position
    from unnest($3::smallint[]) as s(shard)
    left join es.checkpoints c on c.consumer = $1 and c.generation = $2 and c.shard = s.shard
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
    coalesce(min(b.first) - 1, (select position from es.log_head)) as position,
    coalesce(sum(b.events), 0)::bigint as lag_events,
    coalesce(extract(epoch from clock_timestamp() - (
        select e.recorded_at from es.log l join es.events e on e.seq = l.seq
        where l.position = min(b.first))), 0)::float8 as lag_seconds,
    (select count(distinct p.stream_id) from es.parked p
     where p.consumer = $1 and p.generation = $2) as parked_streams
from behind b
