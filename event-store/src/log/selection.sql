-- The next events of the organization $1 after the position $2, up to $3, of the shards $5 and the types $6 if
-- these are given, at most $7. Looks at $4 rows of the log at most. The first row also tells how far was looked:
-- to the last of these rows, or to the end. Fails in another incarnation of the log than $8.
with looked_at as materialized (
    -- As rows, because only the index of the organization then has the order. With `org_id = ...` the planner may
    -- walk through the log of all others.
    select l.position, l.seq, l.shard from es.log l
    where (l.org_id, l.position) > ($1, $2) and (l.org_id, l.position) <= ($1, $3)
        and es.demand_incarnation($8)
    order by l.org_id, l.position
    limit $4
), looked as (
    select case when count(*) < $4 then $3 else max(position) end as looked_to from looked_at
)
select looked.looked_to, found.*
from looked
left join lateral (
    select l.position, l.shard, e.stream_id, e.version, e.event_id, e.org_id, e.event_type, e.schema_version,
        e.data::text as data, e.metadata::text as metadata, e.recorded_at
    -- `offset 0`: found one by one, because the planner would rather read all events if a condition lets few
    -- of them through.
    from looked_at l cross join lateral (select * from es.events where seq = l.seq offset 0) e
    where ($5::smallint[] is null or l.shard = any ($5))
        and ($6::text[] is null or e.event_type = any ($6))
    order by l.position
    limit $7
) found on true
order by found.position
