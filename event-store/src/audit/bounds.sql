-- How things stand, all of one snapshot.
select
    coalesce(h.position, 0) as head,
    coalesce(h.low_mark, 0) as low_mark,
    coalesce((select min(position) from es.log), 0) as first,
    coalesce((select max(position) from es.log), 0) as last,
    coalesce((select max(seq) from es.log), 0) as last_seq,
    greatest(
        (select stream_id from es.streams order by stream_id desc limit 1),
        (select stream_id from es.events order by stream_id desc limit 1),
        '00000000-0000-0000-0000-000000000000'
    ) as last_stream
from (select) as one
left join es.log_head h on true
