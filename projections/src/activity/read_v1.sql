-- What happened, for people: one row an event.
select
    org_id,
    -- Where the event stands in the log.
    position,
    -- The event's stored name, such as droplet_activated.
    kind,
    -- What it happened to: the name of the aggregate, such as droplet, and the id.
    resource_type,
    resource_id,
    -- What people called that after the event.
    resource_name,
    actor,
    -- What happened, in a few words.
    summary,
    -- Business time, then our time.
    occurred_at,
    recorded_at
from activity
