-- Droplets as they are now, deleted ones too: one row a droplet.
select
    id,
    org_id,
    -- After its end the name that it had last.
    name,
    -- REQUESTED, ACTIVE, FAILED, DELETING, DELETED.
    status,
    size,
    region,
    image,
    tags,
    -- The label of a droplet that was requested before droplets belonged to clusters by id.
    cluster,
    -- Who makes and removes its machine: PLATFORM, AGENT.
    provisioner,
    -- UNPROTECTED, PROTECTED.
    protection,
    vcpus,
    memory_mib,
    disk_gib,
    -- Micro-dollars, as of its request.
    price_hourly_micros,
    price_monthly_micros,
    -- [{"kind": "PUBLIC" | "PRIVATE", "ip": ...}]; empty unless it is active.
    addresses,
    -- Why its machine could not be made.
    failure_reason,
    -- The version of the droplet's stream that the row shows.
    version,
    -- Business times of the first and of the last event; then our time of the last event.
    created_at,
    updated_at,
    recorded_at,
    -- The cluster that it belongs to: `id` of read_v1.clusters.
    cluster_id
from droplets
