-- The streams that are parked in generation $2 of the consumer $1: of the organization $3 if it is given, the
-- first $4 if that is given. The first parked event of a stream is the one at fault. A shard is the code of a
-- stream type times $5, and something below $5.
select p.stream_id, (e.shard / $5)::smallint as stream_type, e.org_id, p.position, e.version, e.event_type,
    coalesce(p.error, 'it waits behind an event that was applied meanwhile') as error,
    p.attempts, p.first_at, p.last_at, p.waiting,
    s.skipped_by, s.reason as skipped_because, s.skipped_at
from (
    select distinct on (stream_id) stream_id, position, error, attempts, first_at, last_at,
        count(*) over (partition by stream_id) - 1 as waiting
    from es.parked where consumer = $1 and generation = $2
    order by stream_id, position
) p
join es.log l on l.position = p.position
join es.events e on e.seq = l.seq
left join es.skipped s
    on s.consumer = $1 and s.generation = $2 and s.stream_id = p.stream_id
where $3::text is null or e.org_id = $3
order by p.position
limit $4
