-- Events at fault in generation $3 of the consumer $1 that generation $2 has applied: its checkpoint is beyond
-- them, and it has not parked their streams there or before.
select p.stream_id, p.position, p.error
from es.parked p
join es.log l on l.position = p.position
join es.checkpoints c
    on c.consumer = $1 and c.generation = $2 and c.shard = l.shard and c.position >= p.position
where p.consumer = $1 and p.generation = $3 and p.error is not null
    and not exists (
        select from es.parked old
        where old.consumer = $1 and old.generation = $2 and old.stream_id = p.stream_id
            and old.position <= p.position)
order by p.position limit 10
