-- Checkpoints and the head of the log, of one snapshot.
with differing as (
    select c.position, null::uuid as stream_id, null::bigint as version,
        format('a checkpoint of %s (generation %s, shard %s) up to the head of the log, %s',
            c.consumer, c.generation, c.shard, h.position) as expected,
        format('a checkpoint at %s', c.position) as found
    from es.checkpoints c cross join es.log_head h
    where c.position > h.position
)
select
    (select count(*) from es.checkpoints) as compared,
    (select count(*) from differing) as differences,
    first.*
from (select) as one
left join lateral (select * from differing order by position limit 1) first on true
