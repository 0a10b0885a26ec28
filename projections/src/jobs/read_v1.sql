-- Jobs in their present state: one row a job.
select
    -- The id of the job; `Job:` and this id are its global id in GraphQL.
    id,
    -- The organization that owns it.
    org_id,
    -- The kind of work, such as provision.
    kind,
    -- SUBMITTED, RUNNING, SUCCEEDED, FAILED or CANCELLED.
    status,
    -- The droplet that it concerns; null if it concerns a cluster.
    droplet_id,
    -- The label of the cluster that it concerns; null if it concerns a droplet.
    cluster,
    -- Who does it: PLATFORM or AGENT.
    runner,
    -- The number of times that it may be tried.
    attempts,
    -- What its runner needs to know, as an object.
    parameters,
    -- The worker that runs it or ran it; null until it is started.
    worker,
    -- Its progress, from 0 to 100.
    percent,
    -- The last message of its runner about the progress.
    message,
    -- The result of a successful job, if it has one.
    result,
    -- Why it failed or was cancelled.
    reason,
    -- The version of its stream that the row shows.
    version,
    -- Business time of its submission.
    created_at,
    -- Business time of its start.
    started_at,
    -- Business time of its end.
    finished_at,
    -- Business time of its last event.
    updated_at,
    -- Time at which the platform recorded its last event.
    recorded_at
from jobs
