-- Gives the next positions to the numbers $4 (of the shards $5 and organizations $6), if the log is
-- still at epoch $1 and position $2; the new low mark is $3. Returns this transaction's id, the bound of the gaps that the
-- numbers leave, or no row when another sequencer took over.
with head as (
    update es.log_head
    set position = position + cardinality($4::bigint[]), low_mark = $3
    where epoch = $1 and position = $2
    returning 1
),
given as (
    insert into es.log (position, seq, shard, org_id)
    select $2 + ordinal, seq, shard, org_id
    from unnest($4::bigint[], $5::smallint[], $6::text[]) with ordinality
        as n(seq, shard, org_id, ordinal)
    where exists (select from head)
)
select pg_current_xact_id()::text from head
