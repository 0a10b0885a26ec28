-- The next events of the stream $1 in the shard $2 of the organization $3, after the version $4 and the position
-- $5, up to the position $6, of the types $7 if these are given, at most $8. Looks at $10 events of the stream at most.
-- The first row also tells how far was looked: to the last of these events, or to the end. Fails in another
-- incarnation of the log than $9.
--
-- Within a stream, positions ascend with versions, and no version is above its position. So the last version up to the
-- position is found in as many steps as the position has binary digits, however long the stream is.
with recursive narrowed(low, high) as (
    -- The event at the version `low` is not after the position; those after `high` are, or do not exist.
    select $4::bigint, greatest($4::bigint, $5::bigint)
    union all
    select
        case when is_before then middle else low end,
        case when is_before then high else middle - 1 end
    from narrowed
    cross join lateral (select (low + high + 1) / 2 as middle) m
    cross join lateral (
        select exists (
            select from (select seq from es.events where stream_id = $1 and version = middle offset 0) e
            cross join lateral (select position from es.log where seq = e.seq offset 0) l
            where l.position <= $5
        ) as is_before
        offset 0
    ) b
    where low < high
), looked_at as materialized (
    select l.position, e.*
    from (select low from narrowed where low >= high limit 1) start
    cross join lateral (
        select shard, stream_id, version, event_id, org_id, event_type, schema_version, data, metadata, recorded_at, seq
        from es.events
        where stream_id = $1 and shard = $2 and org_id = $3 and version > start.low
        order by version limit $10
    ) e
    cross join lateral (select position from es.log where seq = e.seq offset 0) l
    where l.position <= $6 and es.demand_incarnation($9)
), looked as (
    select case when count(*) < $10 then $6::bigint else max(position) end as looked_to from looked_at
)
select looked.looked_to, found.*
from looked
left join lateral (
    select position, shard, stream_id, version, event_id, org_id, event_type, schema_version,
        data::text as data, metadata::text as metadata, recorded_at
    from looked_at
    where $7::text[] is null or event_type = any ($7)
    order by version
    limit $8
) found on true
order by found.version
