-- Jobs as they are now: one row a job.
select
    id,
    org_id,
    kind,
    -- SUBMITTED, RUNNING, SUCCEEDED, FAILED, CANCELLED.
    status,
    -- What it concerns: one of the two.
    droplet_id,
    cluster,
    -- Who does it: PLATFORM, AGENT.
    runner,
    -- How often it may be tried.
    attempts,
    parameters,
    -- Who runs it or ran it, once it was started.
    worker,
    -- How much is done, from 0 to 100.
    percent,
    message,
    result,
    -- Why it failed or was cancelled.
    reason,
    -- The version of the job's stream that the row shows.
    version,
    -- Business times, but for `recorded_at`, which is our time of the last event.
    created_at,
    started_at,
    finished_at,
    updated_at,
    recorded_at
from jobs
