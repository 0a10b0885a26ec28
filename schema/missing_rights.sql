-- The tables and views that clients' queries should be able to read and cannot, for want of the role, of a policy or
-- of a grant. Null if there are none. See `rights.sql`.
select string_agg(c.oid::regclass::text, ', ' order by c.oid::regclass::text)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_roles reader on reader.rolname = 'clustergenie_reader'
where (
        c.relkind in ('r', 'p') and c.relrowsecurity
            and (n.nspname = 'es' or n.nspname in (select consumer || '_' || generation from es.generations))
        or c.relkind = 'v' and n.nspname ~ '^read_v[0-9]+$'
            and c.relowner = (select relowner from pg_class where oid = 'es.events'::regclass)
    )
    and (
        reader.oid is null
        or not has_schema_privilege(reader.oid, n.oid, 'usage')
        or not has_table_privilege(reader.oid, c.oid, 'select')
        or c.relkind in ('r', 'p') and not exists (
            select from pg_policy p where p.polrelid = c.oid and reader.oid = any (p.polroles)
        )
    )
