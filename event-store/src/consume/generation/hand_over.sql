-- Gives to generation $3 of the consumer $1 what is left of generation $2, and ends that one's checkpoints,
-- so that nobody can write it any more.
with seek as (
    -- A hint where to seek in Kafka: what comes from there and was applied is known by its position.
    update es.checkpoints c set kafka_offset = old.kafka_offset
    from es.checkpoints old
    where c.consumer = $1 and c.generation = $3
        and old.consumer = $1 and old.generation = $2 and old.shard = c.shard
),
skip as (
    insert into es.skipped (consumer, generation, stream_id, skipped_by, reason, skipped_at)
    select s.consumer, $3, s.stream_id, s.skipped_by, s.reason, s.skipped_at
    from es.skipped s
    where s.consumer = $1 and s.generation = $2 and exists (select from es.parked p
        where p.consumer = $1 and p.generation = $3 and p.stream_id = s.stream_id)
    on conflict do nothing
),
unskip as (delete from es.skipped where consumer = $1 and generation = $2),
unpark as (delete from es.parked where consumer = $1 and generation = $2)
delete from es.checkpoints where consumer = $1 and generation = $2
