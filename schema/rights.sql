-- States the rights of clients' queries again. A dump that is restored on a server without the role
-- `clustergenie_reader` loses them: lists would then be empty, without an error. Runs with every migration, after
-- the role was created, and changes only what is missing.
do $$
declare
    protected regclass;
    shown regclass;
    its_schema regnamespace;
begin
    -- Two migrations at once would change the same rows of the catalogue.
    perform pg_advisory_xact_lock(hashtextextended('clustergenie rights', 0));
    -- The tables keep that row-level security is enabled. Tables of read models are in the schemas of generations.
    for protected in
        select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and c.relrowsecurity
            and (n.nspname = 'es' or n.nspname in (select consumer || '_' || generation from es.generations))
    loop
        its_schema := (select relnamespace from pg_class where oid = protected);
        if not exists (
            select from pg_policy where polrelid = protected and polname = 'of_organization'
                and 'clustergenie_reader'::regrole = any (polroles)
        ) then
            execute format(
                'create policy of_organization on %s for select to clustergenie_reader '
                'using (org_id = current_setting(''clustergenie.org'', true))', protected);
        end if;
        execute format('grant usage on schema %s to clustergenie_reader', its_schema);
        execute format('grant select on %s to clustergenie_reader', protected);
    end loop;
    grant select on es.log_head, es.checkpoints, es.incarnations to clustergenie_reader;
    grant select (consumer, generation, version, state) on es.generations to clustergenie_reader;
    for shown in
        select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'v' and n.nspname ~ '^read_v[0-9]+$'
            and c.relowner = (select relowner from pg_class where oid = 'es.events'::regclass)
    loop
        its_schema := (select relnamespace from pg_class where oid = shown);
        execute format('grant usage on schema %s to clustergenie_reader', its_schema);
        execute format('grant select on %s to clustergenie_reader', shown);
    end loop;
end $$
