-- Events and rows of the log with numbers after $1 up to $2. An event up to the low mark $3 has its
-- position; a later one may still wait for it.
with event as materialized (
    select seq, stream_id, version, shard, org_id
    from es.events
    where seq > $1 and seq <= $2
),
place as materialized (
    select position, seq, shard, org_id
    from es.log
    where seq > $1 and seq <= $2
),
places as materialized (
    select seq, count(*) as places, min(position) as position,
        string_agg(position::text, ', ' order by position) as positions
    from place
    group by seq
),
unplaced as (
    select event.* from event left join places using (seq) where places.seq is null
),
differing as (
    select position, null::uuid as stream_id, null::bigint as version, place.seq,
        format('the event with the number %s', place.seq) as expected,
        'no such event' as found
    from place left join event using (seq)
    where event.seq is null
    union all
    select null, stream_id, version, seq,
        'a position in es.log', 'none'
    from unplaced
    where seq <= $3
    union all
    select places.position, event.stream_id, event.version, seq,
        'one position for the event', format('the positions %s', positions)
    from places left join event using (seq)
    where places > 1
    union all
    select min(places.position), (min(stream_id::text))::uuid, min(version), seq,
        format('one event with the number %s', seq), format('%s events', count(*))
    from event left join places using (seq)
    group by seq
    having count(*) > 1
    union all
    select place.position, event.stream_id, event.version, seq,
        format('shard %s and organization %s, as the event says', event.shard, event.org_id),
        format('shard %s and organization %s', place.shard, place.org_id)
    from place join event using (seq)
    where (place.shard, place.org_id) is distinct from (event.shard, event.org_id)
)
select
    (select count(*) from place) as compared,
    (select count(*) from unplaced where seq > $3) as waiting,
    (select count(*) from differing) as differences,
    first.*
from (select) as one
left join lateral (
    select position, stream_id, version, expected, found from differing order by seq limit 1
) first on true
