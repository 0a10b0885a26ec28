-- The positions after $1 up to $2, which is one: each is one more than the one before it, also within its organization,
-- and no time is earlier than that of the position before.
with place as materialized (
    select position, lag(position, 1, $1::bigint) over (order by position) as before,
        org_id, org_position, lag(org_position) over in_organization as org_before,
        sequenced_at,
        lag(sequenced_at, 1, (select max(sequenced_at) from es.log where position = $1))
            over (order by position) as time_before
    from es.log
    where position > $1 and position <= $2
    window in_organization as (partition by org_id order by position)
),
-- The first row of each organization follows a row of an earlier page, if there is one.
placed as (
    select place.*, coalesce(org_before, earlier.org_position, 0) as org_position_before
    from place
    left join lateral (
        select l.org_id, l.org_position from es.log l
        where org_before is null and (l.org_id, l.position) <= (place.org_id, $1)
        order by l.org_id desc, l.position desc limit 1
    ) earlier on earlier.org_id = place.org_id
),
differing as (
    select
        case when position = before then position else before + 1 end as position,
        null::uuid as stream_id,
        null::bigint as version,
        'one event' as expected,
        case
            when position = before then 'more than one'
            when position = before + 2 then 'none'
            else format('none, nor at any position up to %s', position - 1)
        end as found
    from place
    where position <> before + 1
    union all
    select position, null, null,
        format('position %s of the organization %s', org_position_before + 1, org_id),
        format('position %s', org_position)
    from placed
    where org_position <> org_position_before + 1
    union all
    select position, null, null,
        format('a time not before %s, that of the position before', time_before),
        format('the time %s', sequenced_at)
    from place
    where sequenced_at < time_before
)
select
    (select count(*) from place) as compared,
    (select count(*) from differing) as differences,
    first.*
from (select) as one
left join lateral (select * from differing order by position limit 1) first on true
