-- How far Kafka is behind the log. $1: the position up to which Kafka has it; null when this process does
-- not know, then it is what the last publisher noted.
with
    published as (
        select coalesce($1, p.position) as position, p.moved_at from es.published p
    ),
    -- The oldest event that comes next.
    next as (
        select e.recorded_at from published p
        join es.log l on l.position = p.position + 1
        join es.events e using (seq)
    ),
    -- The oldest event without a position, late arrivals aside: `clustergenie_sequencer_missing` tells of
    -- those.
    unsequenced as (
        select e.recorded_at from es.events e
        where e.seq > coalesce((select max(l.seq) from es.log l), 0)
        order by e.seq limit 1
    ),
    oldest as (
        select least(
            (select recorded_at from next),
            (select recorded_at from unsequenced)
        ) as recorded_at
    )
select
    greatest(h.position - p.position, 0) as events,
    coalesce(extract(epoch from clock_timestamp() - (select recorded_at from next)), 0)::float8
        as seconds,
    coalesce(extract(epoch from clock_timestamp() - (select recorded_at from oldest)), 0)::float8
        as oldest_seconds,
    coalesce(extract(epoch from clock_timestamp()
        - greatest(p.moved_at, (select recorded_at from next))), 0)::float8
        * (exists (select from next))::int as stalled_seconds
from (select position from es.log_head order by position desc limit 1) h, published p
