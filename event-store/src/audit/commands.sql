-- Events at the positions after $1 up to $2 whose command has no record, although the organization's commands were recorded by
-- then. A record is written by the statement that writes the events, which ends within minutes.
with event as materialized (
    select l.position, e.stream_id, e.version, e.org_id, e.recorded_at,
        (e.metadata ->> 'command_id')::uuid as command_id
    from es.log l
    -- `offset 0`: found one by one, because the planner would rather read all events of a log of middling size.
    cross join lateral (select * from es.events where seq = l.seq offset 0) e
    where l.position > $1 and l.position <= $2
),
span as (
    select min(recorded_at) - interval '10 minutes' as first, max(recorded_at) + interval '10 minutes' as last
    from event
),
record as materialized (
    select org_id, command_id from es.commands
    where outcome = 'ACCEPTED'
        and recorded_at >= (select first from span) and recorded_at <= (select last from span)
),
differing as (
    select e.position, e.stream_id, e.version,
        format('a record of the command %s', e.command_id) as expected, 'none' as found
    from event e
    where e.recorded_at > $3
        and not exists (
            select from record r where r.org_id = e.org_id and r.command_id = e.command_id
        )
)
select
    (select count(*) from event) as compared,
    (select count(*) from differing) as differences,
    first.*
from (select) as one
left join lateral (select * from differing order by position limit 1) first on true
