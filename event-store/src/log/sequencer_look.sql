-- What has appeared beyond the high mark ($1, at most $2 of it) and in the gaps ($3 to $4), all of one snapshot; and, if
-- there are gaps, the transactions that hold the lock of writers after that snapshot was taken. Fails in another incarnation of the log than $5.
with fresh as materialized (
    select seq, shard, org_id from es.events where seq > $1 order by seq limit $2
),
late as materialized (
    select e.seq, e.shard, e.org_id
    from unnest($3::bigint[], $4::bigint[]) as gap(first, last)
    -- `offset 0` keeps the planner from turning a few index lookups into a join with all events.
    cross join lateral (
        select seq, shard, org_id from es.events
        where seq between gap.first and gap.last offset 0
    ) e
),
seen as (
    select * from late union all select * from fresh
)
select
    coalesce(array_agg(seq order by seq), '{}') as seqs,
    coalesce(array_agg(shard order by seq), '{}') as shards,
    coalesce(array_agg(org_id order by seq), '{}') as orgs,
    case when cardinality($3::bigint[]) = 0 then '{}' else array(
        select virtualtransaction from pg_locks
        where locktype = 'relation' and relation = 'es.events'::regclass and mode = 'RowExclusiveLock' and granted
            and database = (select oid from pg_database where datname = current_database())
    ) end as holders
from seen
where es.demand_incarnation($5)
