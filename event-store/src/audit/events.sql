-- The events at the positions after $1 up to $2. The shard that a row of the log names is compared with
-- this one elsewhere.
select l.position, e.shard, e.stream_id, e.version, e.event_id, e.org_id, e.event_type, e.schema_version,
    e.data::text as data, e.metadata::text as metadata, e.recorded_at
from es.log l
-- `offset 0`: found one by one, because the planner would rather read all events of a log of middling size.
cross join lateral (select * from es.events where seq = l.seq offset 0) e
where l.position > $1 and l.position <= $2
order by l.position
