-- Changes a table of a read model in every generation that has not been dropped, and shows new columns to
-- clients. For later migrations that add a column:
--
--     select read_v1.alter_model('droplets', 'droplets', 'add column owner text');
--
-- The column must come last, and be nullable or have a default: programs of the version before still write the
-- table without it. The generation that serves does not know its values; the code that fills it has a
-- higher version, so that a generation with the values is made and takes its place.
create function read_v1.alter_model(projection text, model text, change text) returns void
language plpgsql as $$
declare
    its_schema text;
    serving integer;
begin
    for its_schema in
        select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relname = model and c.relkind = 'r' and n.nspname ~ ('^' || projection || '_[0-9]+$')
        order by n.nspname
    loop
        execute format('alter table %I.%I %s', its_schema, model, change);
    end loop;
    -- A projection that never ran serves its first generation.
    select coalesce(max(generation), 1) into serving
    from es.generations where consumer = projection and state = 'SERVING';
    perform read_v1.serve(projection, serving);
end $$;
