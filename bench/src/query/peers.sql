-- What PostGraphile serves: the read models of clients without deleted droplets, which lists of ours omit too.
--
-- Postgres tells no keys, relations and absence of nulls of views, so comments name them, as PostGraphile's
-- documentation advises. Without the last, a page after a cursor would not use the index.
-- `peer` needs the role and the setting of an organization, `peer_plain` shows one organization to everybody.
create schema peer;
create schema peer_plain;

create view peer.droplets with (security_invoker = true) as
select * from read_v1.droplets where status <> 'DELETED';
create view peer.jobs with (security_invoker = true) as
select * from read_v1.jobs;

create view peer_plain.droplets as
select * from read_v1.droplets where org_id = 'bench' and status <> 'DELETED';
create view peer_plain.jobs as
select * from read_v1.jobs where org_id = 'bench';

comment on view peer.droplets is E'@primaryKey id';
comment on view peer_plain.droplets is E'@primaryKey id';
comment on view peer.jobs is E'@primaryKey id\n@foreignKey (droplet_id) references droplets (id)';
comment on view peer_plain.jobs is E'@primaryKey id\n@foreignKey (droplet_id) references droplets (id)';

do $$
declare
    about text;
begin
    for about in
        select format('%I.%I.%I', table_schema, table_name, column_name)
        from information_schema.columns
        where table_schema in ('peer', 'peer_plain')
            and column_name in ('id', 'org_id', 'name', 'status', 'size', 'region', 'image', 'kind', 'created_at',
                'updated_at')
    loop
        execute format('comment on column %s is %L', about, '@notNull');
    end loop;
end $$;

grant usage on schema peer to clustergenie_reader;
grant select on peer.droplets, peer.jobs to clustergenie_reader;
