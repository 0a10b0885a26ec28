-- Writes rows of droplets, given as one JSON array of objects whose names are the columns.
insert into droplets
select * from jsonb_populate_recordset(null::droplets, $1)
order by id
on conflict (id) do update set
    -- What the request set never changes: size, region, image, prices and so on.
    name = excluded.name,
    status = excluded.status,
    tags = excluded.tags,
    protection = excluded.protection,
    addresses = excluded.addresses,
    failure_reason = excluded.failure_reason,
    version = excluded.version,
    updated_at = excluded.updated_at,
    recorded_at = excluded.recorded_at
