-- The positions after $1 up to $2, which is one: each is one more than the one before it.
with place as materialized (
    select position, lag(position, 1, $1::bigint) over (order by position) as before
    from es.log
    where position > $1 and position <= $2
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
)
select
    (select count(*) from place) as compared,
    (select count(*) from differing) as differences,
    first.*
from (select) as one
left join lateral (select * from differing order by position limit 1) first on true
