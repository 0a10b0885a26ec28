-- Digests of the log: what makes it visible that a recorded event was altered afterwards, also by
-- somebody who can disable a trigger. Written by the relay's maintenance, read by auditors and by
-- `clustergenie verify`.

-- One row for each complete range of 1,000 positions: 1 to 1000, 1001 to 2000, ...
create table es.digests (
    first_position bigint      primary key check (first_position % 1000 = 1),
    last_position  bigint      not null check (last_position = first_position + 999),
    -- How many events the digest is made of.
    events         integer     not null check (events = 1000),
    -- sha256 of the events' lines, one after the other in the order of their positions. What the line
    -- of an event is, byte by byte, is told in event-store/src/digest.rs and docs/auditors.md.
    digest         bytea       not null check (octet_length(digest) = 32),
    -- sha256 of each line by itself, one after the other: names the event that was altered.
    event_digests  bytea       not null check (octet_length(event_digests) = 32 * events),
    made_at        timestamptz not null default clock_timestamp()
);

-- A digest that could be replaced would prove nothing.
create trigger digests_are_immutable before update or delete or truncate on es.digests
    for each statement execute function es.refuse_change();
