-- Droplets in their present state, deleted ones too: one row a droplet.
select
    -- The id of the droplet; `Droplet:` and this id are its global id in GraphQL.
    id,
    -- The organization that owns it.
    org_id,
    -- Its name; of a deleted or failed droplet the last one.
    name,
    -- REQUESTED, ACTIVE, FAILED, DELETING or DELETED.
    status,
    -- The slug of its size in the catalogue.
    size,
    -- The slug of its region in the catalogue.
    region,
    -- The slug of its image in the catalogue.
    image,
    -- Its tags, sorted.
    tags,
    -- The label of a droplet that was requested before clusters existed; null for all others. See cluster_id.
    cluster,
    -- Who makes and removes its machine: PLATFORM or AGENT.
    provisioner,
    -- Whether its deletion is refused: PROTECTED or UNPROTECTED.
    protection,
    -- Virtual processors.
    vcpus,
    -- Memory in MiB.
    memory_mib,
    -- Disk in GiB.
    disk_gib,
    -- The price of an hour in micro-dollars, as of its request.
    price_hourly_micros,
    -- The price of a month in micro-dollars, as of its request.
    price_monthly_micros,
    -- Where it can be reached: [{"kind": "PUBLIC" or "PRIVATE", "ip": ...}]; empty unless it is active.
    addresses,
    -- Why its machine could not be made.
    failure_reason,
    -- The version of its stream that the row shows.
    version,
    -- Business time of its request.
    created_at,
    -- Business time of its last event.
    updated_at,
    -- Time at which the platform recorded its last event.
    recorded_at,
    -- The cluster that it belongs to: `id` in read_v1.clusters.
    cluster_id
from droplets
