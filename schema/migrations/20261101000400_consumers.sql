-- How far every consumer (projection, process manager) has come. A checkpoint commits in the
-- transaction of the rows it vouches for, and moves by compare-and-set.

create table es.checkpoints (
    consumer     text        not null,
    -- Version of the projection: version N + 1 fills its tables beside the serving version N.
    generation   integer     not null,
    shard        smallint    not null,
    -- Every event of the shard up to this position has been applied, or is parked.
    position     bigint      not null default 0,
    -- Where to seek in Kafka: a hint only, never the truth.
    kafka_offset bigint,
    moved_at     timestamptz not null default clock_timestamp(),
    primary key (consumer, generation, shard)
) with (fillfactor = 50);

-- Events that could not be applied, and the later events of their streams that wait behind them.
create table es.parked (
    consumer   text        not null,
    generation integer     not null,
    stream_id  uuid        not null,
    position   bigint      not null,
    -- Null for an event that only waits behind the first one.
    error      text,
    attempts   integer     not null default 1,
    first_at   timestamptz not null default clock_timestamp(),
    last_at    timestamptz not null default clock_timestamp(),
    primary key (consumer, generation, stream_id, position)
);
