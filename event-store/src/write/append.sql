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
reservation as (
    select * from unnest($16::int[], $17::boolean[], $18::text[], $19::text[], $20::text[], $21::uuid[])
        as r(command, taking, org_id, scope, key, stream_id)
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
taken as (
    select r.command, r.scope, r.key
    from reservation r join es.reservations t using (org_id, scope, key)
    where r.taking
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
released as (
    delete from es.reservations t
    using reservation r join winner using (command)
    where not r.taking and (t.org_id, t.scope, t.key, t.stream_id) = (r.org_id, r.scope, r.key, r.stream_id)
),
reserved as (
    insert into es.reservations (org_id, scope, key, stream_id)
    select r.org_id, r.scope, r.key, r.stream_id
    from reservation r join winner using (command)
    where r.taking
    order by r.org_id, r.scope, r.key
),
remembered as (
    insert into es.idempotency (org_id, key, request_hash, receipt)
    select k.org_id, k.key, k.request_hash, k.receipt::json
    from keyed k join winner using (command)
    order by k.org_id, k.key
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
    t.scope as taken_scope,
    t.key as taken_key,
    p.request_hash as repeated_hash,
    p.receipt::text as repeated_receipt
from (select distinct command from write) w
left join lateral (select scope, key from taken where taken.command = w.command limit 1) t on true
left join repeated p using (command)
order by w.command
