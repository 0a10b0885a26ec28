-- Whether each consumer ($4, of generation $5) has applied the event that made a stream ($2) reach a
-- version ($3). The organization is $1; row-level security shows no other's events anyway.
select not exists (
    select
    from unnest($2::uuid[], $3::bigint[], $4::text[], $5::int[])
        as w(stream_id, version, consumer, generation)
    where not exists (
        select
        from es.events e
        join es.log l on l.seq = e.seq
        join es.checkpoints c
            on c.consumer = w.consumer and c.generation = w.generation and c.shard = e.shard
        where e.stream_id = w.stream_id and e.version = w.version and e.org_id = $1
            and c.position >= l.position
    )
)
