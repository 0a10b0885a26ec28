-- Clusters in their present state, deleted ones too: one row a cluster.
select
    -- The id of the cluster; `Cluster:` and this id are its global id in GraphQL.
    id,
    -- The organization that owns it.
    org_id,
    -- Its name; of a deleted cluster the last one.
    name,
    -- ACTIVE, MAINTENANCE or DELETED.
    status,
    -- What it is for; possibly empty.
    description,
    -- The fewest live droplets that it is meant to have.
    minimum_nodes,
    -- The most live droplets that it may have.
    maximum_nodes,
    -- The version of its stream that the row shows.
    version,
    -- Business time of its creation.
    created_at,
    -- Business time of its last event.
    updated_at,
    -- Time at which the platform recorded its last event.
    recorded_at
from clusters
