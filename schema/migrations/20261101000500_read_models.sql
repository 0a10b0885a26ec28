-- What read models share: the role that clients read as, and what protects their rows.
--
-- The tables and views of a read model are no migration: the model declares them
-- (`projections/src/<model>/`), and `clustergenie migrate` makes what is missing. The tables of a
-- generation (`es.generations`) are in a schema of their own, such as `droplets_1`. Views in versioned
-- schemas, such as `read_v1`, show the generation that serves: whoever reads, reads these.
--
-- Clients' queries run as the role `clustergenie_reader` with the setting `clustergenie.org`: it sees
-- the rows of that organization and nothing at all without the setting. The owner, who writes, is not
-- bound by the policies.

-- Roles belong to the whole cluster: another database may have made this one, even at this moment.
do $$
begin
    create role clustergenie_reader nologin;
exception
    when duplicate_object or unique_violation then null;
end $$;

-- An owner that is no superuser must be a member to take the role on.
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant clustergenie_reader to %I', current_user);
    end if;
exception
    when unique_violation then null;
end $$;

create schema projections;

-- Binds a table of a read model to organizations, by its column `org_id`, and lets clients read it.
-- Called by the model that declares the table.
create function projections.protect(model_table regclass) returns void
language plpgsql as $$
declare
    its_schema regnamespace := (select relnamespace from pg_class where oid = model_table);
begin
    execute format('alter table %s enable row level security', model_table);
    execute format(
        'create policy of_organization on %s for select to clustergenie_reader '
        'using (org_id = current_setting(''clustergenie.org'', true))', model_table);
    execute format('grant usage on schema %s to clustergenie_reader', its_schema);
    execute format('grant select on %s to clustergenie_reader', model_table);
end $$;

-- Drops the tables of a generation, which are in this schema. Fails while something depends on them.
create function projections.drop_generation(its_schema text) returns void
language plpgsql as $$
declare
    model_table text;
begin
    for model_table in
        select c.relname from pg_class c
        where c.relnamespace = to_regnamespace(its_schema) and c.relkind = 'r'
    loop
        execute format('drop table %I.%I', its_schema, model_table);
    end loop;
    execute format('drop schema if exists %I', its_schema);
end $$;

grant usage on schema es to clustergenie_reader;
alter table es.events enable row level security;
create policy of_organization on es.events for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
-- Events have their policy, the others name no organization. `es.parked`, which holds texts about
-- streams of all of them, and the reports of generations are not for clients.
grant select on es.events, es.log, es.log_head, es.checkpoints to clustergenie_reader;
grant select (consumer, generation, version, state) on es.generations to clustergenie_reader;
