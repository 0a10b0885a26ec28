-- How many there are: one row an organization, dimension and value. What there is none of has no row.
select
    org_id,
    -- What is counted, by what: droplet_status (deleted ones too); droplet_size and droplet_region
    -- (living ones: REQUESTED, ACTIVE, DELETING); job_status; job_kind.
    dimension,
    value,
    count
from counts
