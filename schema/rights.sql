-- What is missing of owners, policies and grants: the object, and the statement that gives it, in the order in which
-- the statements must run. No row if nothing is missing. `migrate` runs the statements: a dump that is restored on
-- another server loses some of them. Start, `/readyz` and `verify` check that there are none. The check only reads the
-- catalogue and `es.generations`, so that every role can run it that reads this table. A table that is dropped meanwhile,
-- for which the functions of Postgres return null, is not told.
--
-- Read models (tables of generations, views, and their schemas) belong to the service role, which rebuilds them. All
-- else belongs to the role that migrates. Each role has the least that the statements of the program need: on history
-- and its digests nobody else can do more than add.
with
reader as (select oid from pg_roles where rolname = 'clustergenie_reader'),
service as (select oid from pg_roles where rolname = 'clustergenie_service'),
-- The role that migrates.
owner as (
    select relowner from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'es' and c.relname = 'events'
),
role (name, oid) as (
    values ('clustergenie_reader', (select oid from reader)), ('clustergenie_service', (select oid from service))
),
granted (relation, role, privileges, columns) as (
    values
        ('es.checkpoints', 'clustergenie_service', '{SELECT,INSERT,UPDATE,DELETE}'::text[], null::text),
        ('es.checkpoints', 'clustergenie_reader', '{SELECT}', null),
        ('es.commands', 'clustergenie_service', '{SELECT,INSERT}', null),
        ('es.commands', 'clustergenie_reader', '{SELECT}', null),
        ('es.counters', 'clustergenie_service', '{SELECT,INSERT,UPDATE}', null),
        ('es.digests', 'clustergenie_service', '{SELECT,INSERT}', null),
        ('es.events', 'clustergenie_service', '{SELECT,INSERT}', null),
        ('es.events', 'clustergenie_reader', '{SELECT}', null),
        ('es.events_seq_seq', 'clustergenie_service', '{SELECT}', null),
        ('es.generations', 'clustergenie_service', '{SELECT,INSERT,UPDATE}', null),
        ('es.generations', 'clustergenie_reader', '{SELECT}', 'consumer, generation, version, state'),
        ('es.idempotency', 'clustergenie_service', '{SELECT,INSERT}', null),
        ('es.incarnations', 'clustergenie_service', '{SELECT,INSERT}', null),
        ('es.incarnations', 'clustergenie_reader', '{SELECT}', null),
        ('es.leases', 'clustergenie_service', '{SELECT,INSERT,UPDATE}', null),
        ('es.log', 'clustergenie_service', '{SELECT,INSERT}', null),
        ('es.log', 'clustergenie_reader', '{SELECT}', null),
        ('es.log_head', 'clustergenie_service', '{SELECT,UPDATE}', null),
        ('es.log_head', 'clustergenie_reader', '{SELECT}', null),
        ('es.parked', 'clustergenie_service', '{SELECT,INSERT,UPDATE,DELETE}', null),
        ('es.paused', 'clustergenie_service', '{SELECT,INSERT,DELETE}', null),
        ('es.published', 'clustergenie_service', '{SELECT,UPDATE}', null),
        ('es.reservations', 'clustergenie_service', '{SELECT,INSERT,UPDATE,DELETE}', null),
        ('es.skipped', 'clustergenie_service', '{SELECT,INSERT,UPDATE,DELETE}', null),
        ('es.snapshots', 'clustergenie_service', '{SELECT,INSERT,UPDATE}', null),
        ('es.stream_types', 'clustergenie_service', '{SELECT,INSERT}', null),
        ('es.streams', 'clustergenie_service', '{SELECT,INSERT,UPDATE}', null),
        ('process.simulated_machines', 'clustergenie_service', '{SELECT,INSERT,UPDATE,DELETE}', null),
        ('process.todo', 'clustergenie_service', '{SELECT,INSERT,UPDATE,DELETE}', null),
        ('clustergenie_schema.migrations', 'clustergenie_service', '{SELECT}', null)
),
-- The schemas of the platform, and whether the service role owns them.
its_schema as (
    select n.oid, n.nspname, n.nspowner, n.nspname not in ('es', 'process', 'projections', 'clustergenie_schema') as is_of_models
    from pg_namespace n
    where n.nspname in ('es', 'process', 'projections', 'clustergenie_schema') or n.nspname ~ '^read_v[0-9]+$'
        or n.nspname in (select consumer || '_' || generation from es.generations)
),
-- Of the schemas of read models only what was made by the platform.
relation as (
    select c.oid, format('%I.%I', n.nspname, c.relname) as name, c.relkind, c.relowner, c.relacl, c.reloptions,
        c.relrowsecurity, c.relforcerowsecurity, n.is_of_models, c.relkind in ('r', 'p') and exists (
            select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped
        ) as is_of_organizations
    from pg_class c join its_schema n on n.oid = c.relnamespace
    where case
        when is_of_models then c.relkind in ('r', 'v') and c.relowner in (select oid from service union all select * from owner)
        else c.relkind in ('r', 'p', 'S')
    end
),
-- What each of the two roles may do with each relation. The owner may do everything.
wanted as (
    select r.name, r.oid, r.relacl, role.name as role, role.oid as role_oid, g.columns, coalesce(
        case when not is_of_models then g.privileges when relkind = 'v' or is_of_organizations then '{SELECT}' end, '{}'
    ) as privileges
    from relation r join role on not (r.is_of_models and role.name = 'clustergenie_service')
    left join granted g on g.relation = r.name and g.role = role.name
),
missing (step, object, statement) as (
    -- Rebuilds create schemas, comparisons temporary tables. A copy of a database has not the rights of the original.
    select 0, format('database %I', datname),
        format('grant create, temporary on database %I to clustergenie_service', datname)
    from pg_database
    where datname = current_database() and coalesce(
        not has_database_privilege((select oid from service), oid, 'CREATE')
            or not has_database_privilege((select oid from service), oid, 'TEMPORARY'),
        true
    )
    union all
    select 1, quote_ident(nspname), format('alter schema %I owner to clustergenie_service', nspname)
    from its_schema where is_of_models and nspowner in (select * from owner) and nspowner not in (select oid from service)
    union all
    select 2, name, format('alter table %s owner to clustergenie_service', name)
    from relation where is_of_models and relowner not in (select oid from service)
    union all
    select 3, name, format('select es.protect(%L)', name)
    from relation r
    where is_of_organizations and not (
        relrowsecurity and relforcerowsecurity
        and exists (
            select from pg_policy p
            where p.polrelid = r.oid and p.polname = 'of_organization' and p.polpermissive and p.polcmd = 'r'
                and p.polroles = array(select oid from reader)
                and pg_get_expr(p.polqual, r.oid) = '(org_id = current_setting(''clustergenie.org''::text, true))' is not false
        )
        and exists (
            select from pg_policy p
            where p.polrelid = r.oid and p.polname = 'of_platform' and p.polpermissive and p.polcmd = '*'
                and p.polroles = array(select oid from service)
                and (pg_get_expr(p.polqual, r.oid), pg_get_expr(p.polwithcheck, r.oid)) = ('true', 'true') is not false
        )
    )
    union all
    -- Another policy could hide rows, or show them.
    select 3, name, format('drop policy %I on %s', p.polname, name)
    from relation r join pg_policy p on p.polrelid = r.oid
    where is_of_organizations and p.polname not in ('of_organization', 'of_platform')
    union all
    -- With the rights of the reader, so that the policies of the tables bind it.
    select 3, name, format('alter view %s set (security_invoker = true)', name)
    from relation where relkind = 'v' and not coalesce('security_invoker=true' = any (reloptions), false)
    union all
    select 4, quote_ident(n.nspname), format('grant usage on schema %I to %s', n.nspname, role.name)
    from its_schema n join role on case role.name
        when 'clustergenie_service' then not is_of_models
        else is_of_models or nspname = 'es'
    end
    where role.oid is null or not has_schema_privilege(role.oid, n.oid, 'USAGE')
    union all
    select 4, w.name, format('grant %s%s on %s to %s', privilege, ' (' || columns || ')', w.name, w.role)
    from wanted w cross join unnest(privileges) as privilege
    where role_oid is null or not case
        when columns is null then has_table_privilege(role_oid, oid, privilege)
        else (
            select bool_and(has_column_privilege(role_oid, oid, trim(name), privilege))
            from string_to_table(columns, ',') as name
        )
    end
    union all
    select 4, w.name, format('revoke %s on %s from %s', a.privilege_type, w.name, w.role)
    from wanted w cross join aclexplode(w.relacl) a
    where a.grantee = w.role_oid and (w.columns is not null or a.privilege_type <> all (w.privileges))
    union all
    select 4, r.name, format('revoke %s on %s from public', a.privilege_type, r.name)
    from relation r cross join aclexplode(r.relacl) a where a.grantee = 0 and not is_of_models
    union all
    select 4, p.oid::regprocedure::text, format('grant execute on function %s to clustergenie_service', p.oid::regprocedure)
    from pg_proc p join its_schema n on n.oid = p.pronamespace
    where p.prosecdef and coalesce(not has_function_privilege((select oid from service), p.oid, 'EXECUTE'), true)
    union all
    select 4, p.oid::regprocedure::text, format('revoke execute on function %s from public', p.oid::regprocedure)
    from pg_proc p join its_schema n on n.oid = p.pronamespace
    -- Functions with the rights of their owner exist for nobody else.
    where p.prosecdef and exists (
        select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0
    )
)
select object, statement from missing order by step, object, statement
