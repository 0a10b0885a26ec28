-- The views in versioned schemas, such as `read_v1`, that show tables in the schema $1.
select distinct format('%I.%I', n.nspname, v.relname)
from pg_class t
join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
join pg_class v on v.oid = r.ev_class
join pg_namespace n on n.oid = v.relnamespace
where t.relnamespace = to_regnamespace($1) and n.nspname ~ '^read_v[0-9]+$'
