-- The tables in the schema $1, with the columns of their primary keys and the column that names the stream
-- that a row is about, all quoted.
select quote_ident($1) as schema, quote_ident(c.relname) as table,
    (select string_agg(quote_ident(a.attname), ', ' order by k.place)
     from pg_index i
     cross join unnest(i.indkey) with ordinality as k(attnum, place)
     join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
     where i.indrelid = c.oid and i.indisprimary) as key,
    (select quote_ident(a.attname) from pg_attribute a
     join unnest(array['stream_id', 'resource_id', 'id']) with ordinality as n(name, place)
         on n.name = a.attname
     where a.attrelid = c.oid and a.atttypid = 'uuid'::regtype and not a.attisdropped
     order by n.place limit 1) as stream_column
from pg_class c
where c.relnamespace = to_regnamespace(quote_ident($1)) and c.relkind = 'r'
order by c.relname
