-- For each wanted version, in order: the version ($3), or the last one of the stream ($2) if that is lower and
-- the organization ($1) has the stream; the position of the event with the version; and whether the generation
-- of a consumer ($4) that serves has applied that event, and whether it has parked it. Everything is found by a
-- key. Fails in another incarnation of the log than $5.
select
    coalesce(e.version, (
        select f.version from es.events f
        where f.stream_id = n.stream_id and f.org_id = n.org_id
        order by f.version desc limit 1
    )) as stored,
    l.position,
    coalesce(c.position >= l.position, false) and p.position is null as is_applied,
    p.position is not null as is_parked,
    e.seq
from unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[])
    with ordinality as n(org_id, stream_id, version, consumer, place)
left join es.events e
    on e.stream_id = n.stream_id and e.version = n.version and e.org_id = n.org_id
left join es.log l on l.seq = e.seq
left join es.generations g on g.consumer = n.consumer and g.state = 'SERVING'
left join es.checkpoints c
    on c.consumer = n.consumer and c.generation = g.generation and c.shard = e.shard
left join es.parked p
    on p.consumer = n.consumer and p.generation = g.generation
        and p.stream_id = n.stream_id and p.position = l.position
where es.demand_incarnation($5)
order by n.place
