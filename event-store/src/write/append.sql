-- Appends the events of many commands in one statement, each command all or nothing.
--
-- Parameters are columns. A command is a number, local to this statement; the caller sees to it that
-- no two of its commands share a stream, a reservation or an idempotency key.
--
-- Only rows of the streams, names and keys concerned are locked, each table's in the order of its key,
-- so that two appends hardly ever deadlock; one that does is undone and run command by command.
-- `held` waits for a writer of the same stream and then sees its result; a row that the statement's
-- snapshot does not show yet is met by the primary key of `es.streams` instead, whose violation
-- undoes the whole statement (the caller then runs the commands one by one).
with
write as (
    select * from unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
        as w(command, stream_id, stream_type, org_id, expected, added)
),
event as (
    select * from unnest(
        $7::uuid[], $8::bigint[], $9::smallint[], $10::uuid[], $11::text[], $12::text[], $13::int[],
        $14::text[], $15::text[]
    ) with ordinality
        as e(stream_id, version, shard, event_id, org_id, event_type, schema_version, data, metadata,
             ordinal)
),
-- Who holds a name before the command, and who after it; null is nobody.
name as (
    select * from unnest($16::int[], $17::text[], $18::text[], $19::text[], $20::uuid[], $21::uuid[])
        as n(command, org_id, scope, key, held_by, taken_by)
),
keyed as (
    select * from unnest($22::int[], $23::text[], $24::text[], $25::bytea[], $26::text[])
        as k(command, org_id, key, request_hash, receipt)
),
held as materialized (
    select s.stream_id, s.version, s.org_id
    from es.streams s
    where s.stream_id = any($2::uuid[])
    order by s.stream_id
    for no key update
),
conflicted as (
    select w.command
    from write w left join held h using (stream_id)
    where coalesce(h.version, 0) <> w.expected or h.org_id <> w.org_id
),
named as materialized (
    select n.command, org_id, scope, key, n.held_by, n.taken_by, r.stream_id as holder
    from name n left join es.reservations r using (org_id, scope, key)
),
-- A name that the command takes from its holder is free for it.
taken as (
    select command, scope, key from named
    where taken_by is not null and holder is not null and holder is distinct from held_by
),
repeated as (
    select k.command, i.request_hash, i.receipt
    from keyed k join es.idempotency i using (org_id, key)
),
winner as materialized (
    select distinct command from write
    except select command from conflicted
    except select command from taken
    except select command from repeated
),
bumped as (
    update es.streams s set version = w.expected + w.added
    from write w join winner using (command)
    where s.stream_id = w.stream_id and w.expected > 0
    returning s.stream_id
),
opened as (
    insert into es.streams (stream_id, stream_type, org_id, version)
    select w.stream_id, w.stream_type, w.org_id, w.added
    from write w join winner using (command)
    where w.expected = 0
    order by w.stream_id
    returning stream_id
),
claimed as (
    select stream_id from bumped union all select stream_id from opened
),
remembered as (
    insert into es.idempotency (org_id, key, request_hash, receipt)
    select k.org_id, k.key, k.request_hash, k.receipt::json
    from keyed k join winner using (command)
    order by k.org_id, k.key
),
-- A name is handed over by an update of its row: a delete and an insert of one key in one statement
-- would have no order.
handed_over as (
    update es.reservations r set stream_id = n.taken_by
    from named n join winner using (command)
    where (r.org_id, r.scope, r.key) = (n.org_id, n.scope, n.key)
        and n.holder = n.held_by and n.taken_by is not null
),
released as (
    delete from es.reservations r
    using named n join winner using (command)
    where (r.org_id, r.scope, r.key) = (n.org_id, n.scope, n.key)
        and n.holder = n.held_by and n.taken_by is null
),
reserved as (
    insert into es.reservations (org_id, scope, key, stream_id)
    select n.org_id, n.scope, n.key, n.taken_by
    from named n join winner using (command)
    where n.taken_by is not null and n.holder is null
    order by n.org_id, n.scope, n.key
),
-- `seq` is drawn for rows that come out of `claimed`, hence after this transaction got its id: the
-- sequencer's proof (see gaps.rs) rests on that.
recorded as (
    insert into es.events
        (stream_id, version, shard, event_id, org_id, event_type, schema_version, data, metadata)
    select e.stream_id, e.version, e.shard, e.event_id, e.org_id, e.event_type, e.schema_version,
        e.data::json, e.metadata::json
    from event e join claimed using (stream_id)
    order by e.ordinal
)
select
    w.command,
    exists (select from winner where winner.command = w.command) as won,
    exists (select from conflicted where conflicted.command = w.command) as conflicted,
    t.scope as taken_scope,
    t.key as taken_key,
    p.request_hash as repeated_hash,
    p.receipt::text as repeated_receipt
from (select distinct command from write) w
left join lateral (select scope, key from taken where taken.command = w.command limit 1) t on true
left join repeated p using (command)
order by w.command
