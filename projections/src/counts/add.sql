-- Adds to counters, in the order given, so that two workers lock them in the same order.
insert into counts as c (org_id, dimension, value, count)
select org_id, dimension, value, delta
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) with ordinality
    as d(org_id, dimension, value, delta, ordinal)
order by ordinal
on conflict (org_id, dimension, value) do update set count = c.count + excluded.count
