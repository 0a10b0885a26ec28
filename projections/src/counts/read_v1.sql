-- Numbers of resources: one row an organization, dimension and value. A number of zero has no row.
select
    -- The organization that is counted.
    org_id,
    -- The dimension, such as droplet_status or job_kind. Sizes and regions count live droplets only.
    dimension,
    -- The value in that dimension, such as ACTIVE.
    value,
    -- The number of resources that have the value.
    count
from counts
