-- What the relay's publisher keeps in Postgres. Written by the publisher that holds the lease, and by
-- operators' commands; read by both, and by `clustergenie verify`.

-- Events that the publisher has passed, or is about to pass, without sending them to Kafka: those that
-- Kafka refused for good, and the later events of their streams, which wait behind them so that no
-- stream is ever published out of order. A row is there before the Kafka transaction commits that
-- passes its event, so at every moment an event up to the publisher's position is in Kafka or here.
-- It is in both only while a release is committed in Kafka and its rows are not deleted yet, and then
-- the last record of the publisher's progress says so.
create table es.unpublished (
    position           bigint      primary key,
    stream_id          uuid        not null,
    -- Why Kafka refused it; null for an event that only waits behind another one.
    error              text,
    -- How often it was refused; 0 for an event that only waits.
    attempts           integer     not null check ((error is null) = (attempts = 0)),
    first_at           timestamptz not null default clock_timestamp(),
    -- When it was refused last.
    last_at            timestamptz not null default clock_timestamp(),
    -- Set by an operator, cleared by the publisher when Kafka refuses it again.
    retry_requested_at timestamptz,
    -- An event that Kafka will never have, who decided so, and why. These rows stay for ever; all others
    -- are deleted when their event is published.
    skipped_at         timestamptz,
    skipped_by         text,
    reason             text,
    check (error is not null or (retry_requested_at is null and skipped_at is null)),
    check (retry_requested_at is null or skipped_at is null),
    check ((skipped_at is null) = (skipped_by is null) and (skipped_at is null) = (reason is null))
);

-- The line of a stream: what is refused and what waits, in order.
create index unpublished_by_stream on es.unpublished (stream_id, position) where skipped_at is null;

-- How far the publisher was when it looked last: for metrics, so that they are true also while Kafka
-- cannot be asked. Never the truth about Kafka, which only the record in Kafka is.
create table es.published (
    only_row boolean     primary key default true check (only_row),
    position bigint      not null default 0,
    moved_at timestamptz not null default clock_timestamp()
);
insert into es.published default values;
