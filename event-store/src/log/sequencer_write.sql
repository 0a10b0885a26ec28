-- Gives the next positions to the numbers $4 (of the shards $5 and organizations $6), if the log is
-- still at epoch $1 and position $2; the new low mark is $3. Returns a row, or none when another
-- sequencer took over. Fails in another incarnation of the log than $7.
--
-- If the log is still at position $2, the snapshot shows every row of it: the sequencer knew the position before it sent
-- the statement. So the last time and the last position of an organization that are read here are the last ones.
with head as (
    update es.log_head
    set position = position + cardinality($4::bigint[]), low_mark = $3
    where epoch = $1 and position = $2 and es.demand_incarnation($7)
    returning 1
),
number as (
    select * from unnest($4::bigint[], $5::smallint[], $6::text[]) with ordinality
        as n(seq, shard, org_id, ordinal)
),
organization as materialized (
    select o.org_id, coalesce(last.org_position, 0) as last_position
    from (select distinct org_id from number) o
    -- Compared as rows, because only the index of the organizations has that order. With `org_id = ...` the planner may
    -- walk through the log of all others. An organization without events finds a row of another one.
    left join lateral (
        select l.org_id, l.org_position from es.log l
        where (l.org_id, l.position) <= (o.org_id, $2)
        order by l.org_id desc, l.position desc limit 1
    ) last on last.org_id = o.org_id
),
given as (
    insert into es.log (position, seq, shard, org_id, org_position, sequenced_at)
    select $2 + ordinal, seq, shard, org_id,
        last_position + row_number() over (partition by org_id order by ordinal),
        greatest(now(), (select sequenced_at from es.log where position = $2))
    from number join organization using (org_id)
    where exists (select from head)
)
select from head
