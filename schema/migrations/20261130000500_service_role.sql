-- The role that processes act as, `clustergenie_service`, and what protects the rows of organizations from everybody
-- else. The role owns no table of `es`, so that no process can alter history. `migrate` prepares it before migrations
-- run, and states owners, policies and grants after them (schema/rights.sql).

-- Binds a table to organizations by its column `org_id`, also for its owner. The reader sees the rows of the
-- organization in the setting `clustergenie.org`, and nothing without the setting; the service role sees all rows.
-- Nobody else sees any.
create function es.protect(target regclass) returns void
language plpgsql set search_path = pg_catalog as $$
begin
    execute format('alter table %s enable row level security, force row level security', target);
    execute format('drop policy if exists of_organization on %s', target);
    execute format('drop policy if exists of_platform on %s', target);
    execute format(
        'create policy of_organization on %s for select to clustergenie_reader '
        'using (org_id = current_setting(''clustergenie.org'', true))', target);
    execute format('create policy of_platform on %s to clustergenie_service using (true) with check (true)', target);
end $$;

-- Protects a table of a read model, and lets clients read it. Called by the model that declares the table.
create or replace function projections.protect(model_table regclass) returns void
language plpgsql as $$
declare
    its_schema regnamespace := (select relnamespace from pg_class where oid = model_table);
begin
    perform es.protect(model_table);
    execute format('grant usage on schema %s to clustergenie_reader', its_schema);
    execute format('grant select on %s to clustergenie_reader', model_table);
end $$;

-- As before, and protects the partition of a table that is protected.
create or replace function es.create_partition(table_name text, number bigint) returns integer
language plpgsql as $$
declare
    settings es.partitioned_tables;
    child text := format('es.%I', table_name || '_' || number);
    parent text := format('es.%I', table_name);
    bounds text;
begin
    select * into strict settings from es.partitioned_tables where name = table_name;
    if to_regclass(child) is not null then
        return 0;
    end if;
    bounds := case
        when settings.by_time then format('from (%L) to (%L)',
            to_timestamp(number * settings.width * 86400), to_timestamp((number + 1) * settings.width * 86400))
        else format('from (%s) to (%s)', (number - 1) * settings.width + 1, number * settings.width + 1)
    end;
    -- Created apart and attached: `create table ... partition of` would wait for all readers, and all would
    -- wait for it.
    execute format('create table %s (like %s including all excluding identity excluding indexes)', child, parent);
    if settings.unique_columns is not null then
        execute format('alter table %s add constraint %I unique (%s)',
            child, table_name || '_' || number || '_unique', settings.unique_columns);
    end if;
    if (select relforcerowsecurity from pg_class where oid = parent::regclass) then
        perform es.protect(child);
    end if;
    execute format('alter table %s attach partition %s for values %s', parent, child, bounds);
    if exists (select from pg_trigger where tgrelid = parent::regclass and tgfoid = 'es.refuse_change'::regproc) then
        execute format(
            'create trigger is_immutable before update or delete or truncate on %s '
            'for each statement execute function es.refuse_change()', child);
    end if;
    return 1;
end $$;
revoke all on function es.create_partition(text, bigint) from public;
