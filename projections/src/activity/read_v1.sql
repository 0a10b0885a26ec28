-- The activity log: one row an event.
select
    -- The organization that the event belongs to.
    org_id,
    -- The position of the event in the log.
    position,
    -- The stored name of the event, such as droplet_activated.
    kind,
    -- The type of the resource, such as droplet.
    resource_type,
    -- The id of the resource.
    resource_id,
    -- The name of the resource after the event, where it has one.
    resource_name,
    -- The subject of the token that caused the event, or a process manager.
    actor,
    -- The event in one sentence.
    summary,
    -- Business time of the event.
    occurred_at,
    -- Time at which the platform recorded the event.
    recorded_at
from activity
