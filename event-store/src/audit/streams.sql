-- The streams from $1 to $2, as a whole. The types of streams are named $3 and have the codes $4; a shard
-- is the code of a type times $5, and something below $5. Streams of types that only a newer program knows
-- are not checked for that.
with stream as materialized (
    select stream_id, stream_type, org_id, version
    from es.streams
    where stream_id >= $1 and stream_id <= $2
),
event as materialized (
    select e.stream_id, e.version, e.org_id, e.shard, l.position,
        lag(e.version, 1, 0::bigint) over in_order as version_before,
        lag(l.position) over in_order as position_before
    from es.events e left join es.log l on l.seq = e.seq
    where e.stream_id >= $1 and e.stream_id <= $2
    window in_order as (partition by e.stream_id order by e.version, l.position)
),
last as (
    select stream_id, max(version) as version from event group by stream_id
),
type as (
    select * from unnest($3::text[], $4::smallint[]) as t(name, code)
),
differing as (
    select position, stream_id, version,
        format('version %s', version_before + 1) as expected,
        case
            when version = version_before then format('version %s once more', version)
            else format('version %s', version)
        end as found
    from event
    where version <> version_before + 1
    union all
    select null, stream_id, coalesce(last.version, stream.version),
        case
            when last.version is null then 'no row in es.streams, because there is no event'
            else format('version %s in es.streams, as the last event says', last.version)
        end,
        case
            when stream.version is null then 'no row in es.streams'
            else format('version %s', stream.version)
        end
    from stream full join last using (stream_id)
    where stream.version is distinct from last.version
    union all
    select position, stream_id, event.version,
        format('an event of the organization %s, as es.streams says', stream.org_id),
        format('an event of the organization %s', event.org_id)
    from event join stream using (stream_id)
    where event.org_id <> stream.org_id
    union all
    select position, stream_id, event.version,
        format('an event of a %s, as es.streams says', stream.stream_type),
        format('shard %s, which is of a %s', event.shard, coalesce(type.name, 'type this program does not know'))
    from event join stream using (stream_id)
        left join type on type.code = floor(event.shard::numeric / $5)
    where type.name is distinct from stream.stream_type
        and (type.name is not null or stream.stream_type = any($3))
    union all
    select position, stream_id, version,
        format('a position after %s, where the version before it stands', position_before),
        format('position %s', position)
    from event
    where position <= position_before
)
select
    (select count(*) from event) as compared,
    (select count(*) from differing) as differences,
    first.*
from (select) as one
left join lateral (select * from differing order by stream_id, version limit 1) first on true
