-- Clusters as they are now, deleted ones too: one row a cluster.
select
    id,
    org_id,
    name,
    -- ACTIVE, MAINTENANCE, DELETED.
    status,
    description,
    -- The fewest live droplets that it is meant to have, and the most that it may have.
    minimum_nodes,
    maximum_nodes,
    -- The version of the cluster's stream that the row shows.
    version,
    -- Business times of the first and of the last event, then our time of the last event.
    created_at,
    updated_at,
    recorded_at
from clusters
