-- Appends the events of many commands in one statement, each command all or nothing.
--
-- Parameters have names, and are columns. A command is a number, local to this statement, in the order of the batch.
-- The caller sees to it that no command writes a stream, a name or an idempotency key that another
-- command of the statement writes or reads. Counters may be shared.
--
-- Parts are left out where no command of the batch needs them, because Postgres prepares each of them for every run:
-- from `[names` to `names]` where none takes or releases a name, `keys` where none has an idempotency key, `records`
-- where none is recorded, and `shared` where none reads a stream that it does not write, hands a name over, or concerns
-- a counter.
--
-- Rows are locked in this order: streams that exist (by id), counters (by key), new streams, names,
-- idempotency keys. Inserts take the last three: Postgres runs the parts that write, below `claimed`,
-- from the last to the first. Why the statement is right is told in append.rs.
with
-- What a command needs of a stream: the version, and how many events come on top (none: it is read).
entry as (
    select * from unnest(
        $entry_command::int[], $entry_stream::uuid[], $entry_type::text[], $entry_org::text[],
        $entry_expected::bigint[], $entry_added::bigint[]
    )
        as e(command, stream_id, stream_type, org_id, expected, added)
),
event as (
    select * from unnest(
        $event_stream::uuid[], $event_version::bigint[], $event_shard::smallint[], $event_id::uuid[],
        $event_org::text[], $event_type::text[], $event_schema_version::int[],
        $event_data::text[], $event_metadata::text[]
    ) with ordinality
        as e(stream_id, version, shard, event_id, org_id, event_type, schema_version, data, metadata,
             ordinal)
),
-- [names
-- Who holds a name before the command, and who after it; null is nobody.
name as (
    select * from unnest(
        $name_command::int[], $name_org::text[], $name_scope::text[], $name_key::text[], $name_held_by::uuid[],
        $name_taken_by::uuid[]
    )
        as n(command, org_id, scope, key, held_by, taken_by)
),
-- names]
-- [keys
keyed as (
    select * from unnest(
        $key_command::int[], $key_org::text[], $key_hash::uuid[], $key_request::uuid[], $key_receipt::text[]
    )
        as k(command, org_id, key_hash, request_hash, receipt)
),
-- keys]
-- [records
-- What is recorded of a command, besides its events.
record as (
    select * from unnest(
        $record_command::int[], $record_org::text[], $record_id::uuid[], $record_name::text[],
        $record_stream_type::smallint[], $record_stream::uuid[], $record_actor::text[],
        $record_outcome::text[], $record_document::text[]
    )
        as r(command, org_id, command_id, name, stream_type, stream_id, actor, outcome, record)
),
-- records]
-- [shared
-- What a command adds to a counter, and what the count must be afterwards (null: anything).
counter as (
    select * from unnest(
        $counter_command::int[], $counter_org::text[], $counter_scope::text[], $counter_key::text[],
        $counter_added::bigint[], $counter_at_least::bigint[], $counter_at_most::bigint[]
    )
        as c(command, org_id, scope, key, added, at_least, at_most)
),
-- shared]
-- A lock waits for whoever writes the stream, and shows what it is then. No stream is both written
-- and only read in one statement. A stream that several commands read is locked by the first and once more by each.
held as materialized (
    select e.command, e.org_id, e.expected, e.is_written, written.version, written.holder
        -- [shared
        , read.read_version
        -- shared]
    from (
        select command, stream_id, org_id, expected, added > 0 as is_written
        from entry order by stream_id, org_id
    ) e
    left join lateral (
        select s.version, s.org_id as holder from es.streams s
        where s.stream_id = e.stream_id and e.is_written
        for no key update
    ) written on true
    -- [shared
    left join lateral (
        select s.version as read_version from es.streams s
        where (s.stream_id, s.org_id) = (e.stream_id, e.org_id) and not e.is_written
        -- Not shared: a writer would wait for as long as there is always a reader that has the lock.
        for no key update of s
    ) read on true
    -- shared]
),
conflicted as (
    select command from held
    where is_written and (coalesce(version, 0) <> expected or holder <> org_id)
        -- [shared
        or not is_written and coalesce(read_version, 0) <> expected
        -- shared]
),
-- [names
named as materialized (
    select n.command, org_id, scope, key, n.held_by, n.taken_by, r.stream_id as holder
    from name n
    -- Here and below, `offset 0` makes the plan look for each row by its key, however small the table was.
    left join lateral (
        select r.stream_id from es.reservations r
        where r.org_id = n.org_id and r.scope = n.scope and r.key = n.key offset 0
    ) r on true
),
-- A name that the command takes from its holder is free for it.
taken as (
    select command, scope, key from named
    where taken_by is not null and holder is not null and holder is distinct from held_by
),
-- names]
-- [keys
repeated as (
    -- Where a period ends, a key has two rows.
    select distinct on (k.command) k.command, i.request_hash, i.receipt
    from keyed k
    cross join lateral (
        select i.request_hash, i.receipt, i.period from es.idempotency i
        where i.key_hash = k.key_hash offset 0
    ) i
    order by k.command, i.period
),
-- keys]
candidate as materialized (
    -- Fails if the log is in another incarnation than the commands were decided in.
    select command from generate_series(0, $commands::int - 1) as command
    where es.demand_incarnation($incarnation::uuid)
    except select command from conflicted
    -- [names
    except select command from taken
    -- names]
    -- [keys
    except select command from repeated
    -- keys]
),
-- [shared
-- The counters of the commands that are not refused yet, as they are now: a lock that was waited for
-- shows the latest count. It is null where the statement's snapshot shows no row that could be locked.
counted as materialized (
    select c.org_id, c.scope, c.key, locked.count
    from (
        select distinct org_id, scope, key from counter join candidate using (command)
        order by org_id, scope, key
    ) c
    left join lateral (
        select t.count from es.counters t
        where (t.org_id, t.scope, t.key) = (c.org_id, c.scope, c.key)
        for no key update
    ) locked on true
),
counting as materialized (
    select c.command, org_id, scope, key, c.added, c.at_least, c.at_most, t.count
    from counter c join candidate using (command) join counted t using (org_id, scope, key)
),
-- Refused by the count as it is stored, whatever the other commands of the statement do.
exceeded as (
    select command, scope, key, count from counting
    where count + added < at_least or count + added > at_most
),
uncounted as (
    select command from counting where count is null
),
-- Refused only for what commands before it may add or take away: to be tried again. A command is a
-- winner only if the count is within its bounds whichever of the commands before it win.
crowded as (
    select command
    from (
        select command, count + added as alone, at_least, at_most,
            sum(greatest(added, 0)) over earlier as more, sum(least(added, 0)) over earlier as less
        from counting
        where command not in (select command from exceeded union all select command from uncounted)
        window earlier as (
            partition by org_id, scope, key order by command
            rows between unbounded preceding and 1 preceding
        )
    ) c
    where alone + coalesce(more, 0) > at_most or alone + coalesce(less, 0) < at_least
),
-- shared]
winner as materialized (
    select command from candidate
    -- [shared
    except select command from exceeded
    except select command from uncounted
    except select command from crowded
    -- shared]
),
-- [shared
-- The counts that winners were held against: as stored, and after the winners before them.
counted_before as (
    select command, scope, key,
        count + coalesce(sum(added) over (
            partition by org_id, scope, key order by command rows between unbounded preceding and 1 preceding
        ), 0)::bigint as count
    from counting join winner using (command)
),
-- shared]
bumped as (
    update es.streams s set version = e.expected + e.added
    -- Not a join, here and below: the kept plan would compare each row with each winner, one by one.
    from entry e
    where e.command = any (array(select command from winner))
        and s.stream_id = e.stream_id and e.expected > 0 and e.added > 0
    returning s.stream_id
),
opened as (
    insert into es.streams (stream_id, stream_type, org_id, version)
    select e.stream_id, e.stream_type, e.org_id, e.added
    from entry e
    where e.command = any (array(select command from winner)) and e.expected = 0 and e.added > 0
    order by e.stream_id
    returning stream_id
),
claimed as (
    select stream_id from bumped union all select stream_id from opened
),
-- [keys
remembered as (
    insert into es.idempotency (period, key_hash, request_hash, org_id, receipt)
    select period, k.key_hash, k.request_hash, k.org_id, k.receipt
    from keyed k join winner using (command) cross join es.periods_of_key() as period
    order by k.key_hash, period
),
-- keys]
-- [names
-- [shared
-- A name is handed over by an update of its row: a delete and an insert of one key in one statement
-- would have no order.
handed_over as (
    update es.reservations r set stream_id = n.taken_by
    from named n join winner using (command)
    where (r.org_id, r.scope, r.key) = (n.org_id, n.scope, n.key)
        and n.holder = n.held_by and n.taken_by is not null
),
-- shared]
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
-- names]
-- [shared
-- The rows are locked, so the counts that were read are the stored ones.
changed as (
    update es.counters t set count = greatest(c.count + a.added, 0)
    from (
        select org_id, scope, key, sum(added)::bigint as added
        from counter join winner using (command)
        group by org_id, scope, key
    ) a
    join counted c using (org_id, scope, key)
    where (t.org_id, t.scope, t.key) = (a.org_id, a.scope, a.key) and a.added <> 0
),
-- shared]
-- [records
noted as (
    insert into es.commands
        (org_id, command_id, name, stream_type, stream_id, actor, outcome, program, record
         -- [shared
         , counts
         -- shared]
        )
    select r.org_id, r.command_id, r.name, r.stream_type, r.stream_id, r.actor, r.outcome, $program, r.record
        -- [shared
        , (select json_agg(json_build_array(c.scope, c.key, c.count)) from counted_before c
           where c.command = r.command)
        -- shared]
    from record r
    where r.command = any (array(select command from winner))
),
-- records]
-- The lock on `es.events` is taken before any number is drawn: the sequencer's proof (see gaps.rs) rests on that. Streams
-- are claimed before their events draw numbers, so the versions of a stream have ascending numbers.
recorded as (
    insert into es.events
        (stream_id, version, shard, event_id, org_id, event_type, schema_version, data, metadata)
    select e.stream_id, e.version, e.shard, e.event_id, e.org_id, e.event_type, e.schema_version,
        e.data::json, e.metadata::json
    from event e
    where e.stream_id = any (array(select stream_id from claimed))
    order by e.ordinal
)
select
    exists (select from winner where winner.command = e.command) as won,
    exists (select from conflicted where conflicted.command = e.command) as conflicted
    -- [names
    , t.scope as taken_scope
    , t.key as taken_key
    -- names]
    -- [shared
    , x.scope as exceeded_scope
    , x.key as exceeded_key
    , x.count as exceeded_count
    , exists (select from uncounted where uncounted.command = e.command) as uncounted
    -- shared]
    -- [keys
    , p.request_hash as repeated_hash
    , p.receipt as repeated_receipt
    -- keys]
from generate_series(0, $commands::int - 1) as e(command)
-- [names
left join lateral (
    select scope, key from taken where taken.command = e.command limit 1
) t on true
-- names]
-- [shared
left join lateral (
    select scope, key, count from exceeded where exceeded.command = e.command limit 1
) x on true
-- shared]
-- [keys
left join repeated p using (command)
-- keys]
order by e.command
