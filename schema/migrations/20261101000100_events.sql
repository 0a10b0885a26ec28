-- Streams and events: the one source of truth. Written only by event-store's append; read by the
-- sequencer, by command handlers (one stream), by auditors.

create schema es;

-- One row a stream: the row that an append locks, so that writers of different streams never meet.
create table es.streams (
    stream_id   uuid   primary key,
    stream_type text   not null,
    org_id      text   not null,
    version     bigint not null check (version > 0)
) with (fillfactor = 70);

create table es.events (
    -- Drawn inside the writing transaction, after its transaction id was assigned (the sequencer's
    -- proof needs that), one at a time. Never a reading position: numbers appear out of order.
    seq            bigint      not null generated always as identity (cache 1) unique,
    stream_id      uuid        not null,
    version        bigint      not null check (version > 0),
    -- Kafka partition and checkpoint unit, a function of stream type and stream id.
    shard          smallint    not null,
    event_id       uuid        not null,
    org_id         text        not null,
    event_type     text        not null,
    schema_version integer     not null check (schema_version > 0),
    -- `json`, not `jsonb`: the bytes as they were written, so that hashes stay valid for ever.
    data           json        not null,
    metadata       json        not null,
    recorded_at    timestamptz not null default clock_timestamp(),
    primary key (stream_id, version)
);

-- Stored events are never altered: not by a bug, not by a hurried hand.
create function es.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'recorded history is never altered: % on %.% is refused',
        tg_op, tg_table_schema, tg_table_name
        using hint = 'Record a new event that corrects the old one.';
end $$;

create trigger events_are_immutable before update or delete or truncate on es.events
    for each statement execute function es.refuse_change();
