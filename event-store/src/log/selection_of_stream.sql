-- The next events of the stream $1 in the shard $2 of the organization $3, after the version $4 and the position
-- $5, up to the position $6, of the types $7 if these are given, at most $8. Fails in another incarnation of the
-- log than $9.
select $6::bigint as looked_to, l.position, e.shard, e.stream_id, e.version, e.event_id, e.org_id, e.event_type, e.schema_version,
    e.data::text as data, e.metadata::text as metadata, e.recorded_at
from es.events e cross join lateral (select position from es.log where seq = e.seq offset 0) l
where e.stream_id = $1 and e.shard = $2 and e.org_id = $3 and e.version > $4
    and l.position > $5 and l.position <= $6
    and ($7::text[] is null or e.event_type = any ($7))
    and es.demand_incarnation($9)
order by e.version
limit $8
