create table droplets (
    id      uuid   primary key,
    org_id  text   not null,
    title   text   collate "C" not null,
    vcpus   text   not null,
    droplet jsonb  not null,
    version bigint not null
);

create index droplets_by_title on droplets (org_id, title, id);

select projections.protect('droplets');
