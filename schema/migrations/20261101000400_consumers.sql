-- How far every consumer (projection, process manager) has come. A checkpoint commits in the
-- transaction of the rows it vouches for, and moves by compare-and-set.

-- The tables of a consumer exist in generations, each made from the log from its beginning. One serves;
-- another one may be built beside it, and takes its place in one transaction. Read by every consumer
-- whenever it begins, and by operators.
create table es.generations (
    consumer     text        not null,
    generation   integer     not null,
    -- The version of the code that fills it: programs of another version leave it alone.
    version      integer     not null,
    -- BUILDING, SERVING, FAILED (was built, and is not what the log says), RETIRED (has served, or was
    -- given up); the tables of the last two are dropped as soon as nobody reads them.
    state        text        not null check (state in ('BUILDING', 'SERVING', 'FAILED', 'RETIRED')),
    -- Who asked for it, and why.
    requested_by text        not null,
    reason       text        not null,
    begun_at     timestamptz not null default clock_timestamp(),
    -- When it had applied all that was in the log then: from then on it is compared.
    filled_at    timestamptz,
    -- When it began to serve, failed, or was given up.
    decided_at   timestamptz,
    -- What a comparison with the log said before it was to serve.
    report       jsonb,
    dropped_at   timestamptz,
    primary key (consumer, generation)
);
create unique index generation_that_serves on es.generations (consumer) where state = 'SERVING';
create unique index generation_in_the_making on es.generations (consumer) where state = 'BUILDING';

-- Consumers that an operator has stopped: their checkpoints do not move.
create table es.paused (
    consumer  text        primary key,
    paused_by text        not null,
    reason    text        not null,
    paused_at timestamptz not null default clock_timestamp()
);

create table es.checkpoints (
    consumer     text        not null,
    generation   integer     not null,
    shard        smallint    not null,
    -- Every event of the shard up to this position has been applied, or is parked. A new checkpoint begins
    -- before the first event of the shard, or at the head of the log (event-store/src/consume/checkpoint.rs).
    position     bigint      not null,
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

-- Parked streams that an operator has given up in one generation: they stay as they are, and nobody
-- is troubled with them any more.
create table es.skipped (
    consumer   text        not null,
    generation integer     not null,
    stream_id  uuid        not null,
    skipped_by text        not null,
    reason     text        not null,
    skipped_at timestamptz not null default clock_timestamp(),
    primary key (consumer, generation, stream_id)
);
