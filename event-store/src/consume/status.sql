-- How far each of the consumers $1 is, in their order; $2 and $3 are the pairs of consumer and shard that
-- concern them. A shard without a checkpoint has not been begun. The first unapplied event bounds the position:
-- a shard in which nothing happens keeps its old checkpoint for ever, and that is not lag. Counting stops at
-- 10,000 events a shard and 10,000 streams: who is that far behind is asked often, and must not pay for
-- an exact number.
with head as (select position from es.log_head order by position desc limit 1),
serving as (
    select n.consumer, n.place, coalesce(g.generation, 1) as generation, g.version
    from unnest($1::text[]) with ordinality as n(consumer, place)
    left join es.generations g on g.consumer = n.consumer and g.state = 'SERVING'
),
concerns as (
    select s.consumer, s.shard from unnest($2::text[], $3::smallint[]) as s(consumer, shard)
),
behind as (
    select g.consumer, sum(counted.events)::bigint as events, min(unapplied.position) as first
    from serving g
    join concerns s on s.consumer = g.consumer
    left join es.checkpoints c
        on c.consumer = g.consumer and c.generation = g.generation and c.shard = s.shard
    cross join lateral (
        select count(*) as events from (
            select from es.log l
            where l.shard = s.shard and l.position > coalesce(c.position, 0) limit 10000) uncounted
    ) counted
    left join lateral (
        select l.position from es.log l
        where l.shard = s.shard and l.position > coalesce(c.position, 0)
        order by l.position limit 1
    ) unapplied on true
    group by g.consumer
),
building as (
    select b.*, (
        -- Of an empty log all has been applied: `least` passes nulls over.
        select avg(least(coalesce(c.position, 0)::float8 / nullif(head.position, 0), 1))
        from head
        cross join concerns s
        left join es.checkpoints c
            on c.consumer = b.consumer and c.generation = b.generation and c.shard = s.shard
        where s.consumer = b.consumer) as share
    from es.generations b
    where b.consumer = any($1) and b.state = 'BUILDING'
)
select
    g.generation, g.version,
    coalesce(b.first - 1, head.position) as position,
    coalesce(b.events, 0) as lag_events,
    coalesce(extract(epoch from clock_timestamp() - (
        select e.recorded_at from es.log l join es.events e on e.seq = l.seq
        where l.position = b.first)), 0)::float8 as lag_seconds,
    (select count(*) from (
         select distinct p.stream_id from es.parked p
         where p.consumer = g.consumer and p.generation = g.generation
             and not exists (select from es.skipped s where s.consumer = p.consumer
                 and s.generation = p.generation and s.stream_id = p.stream_id)
         limit 10000) uncounted) as parked_streams,
    (select count(*) from (
         select from es.skipped s
         where s.consumer = g.consumer and s.generation = g.generation
         limit 10000) uncounted) as skipped_streams,
    p.paused_by, p.reason as paused_because, p.paused_at,
    m.generation as building, m.version as building_version, m.share as building_share,
    m.requested_by as building_by, m.reason as building_because, m.begun_at as building_since,
    m.filled_at is not null as building_is_filled, m.report is not null as building_is_compared,
    extract(epoch from clock_timestamp() - m.begun_at)::float8 as building_seconds,
    f.generation as failed, f.version as failed_version, f.decided_at as failed_at,
    f.requested_by as failed_by, f.reason as failed_because, f.report as failed_report
from serving g
cross join head
left join behind b on b.consumer = g.consumer
left join es.paused p on p.consumer = g.consumer
left join building m on m.consumer = g.consumer
left join lateral (
    -- One that was followed by another one that serves is of no interest any more.
    select * from es.generations f
    where f.consumer = g.consumer and f.state = 'FAILED' and f.generation > g.generation
    order by f.generation desc limit 1
) f on true
order by g.place
