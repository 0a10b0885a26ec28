-- What PostGraphile serves to subscribers: a droplet, whose changes are notified.
create schema peer_fan_out;
create table peer_fan_out.droplets (
    resource_id uuid primary key,
    name text not null,
    status text not null,
    tags text[] not null,
    version bigint not null
);
insert into peer_fan_out.droplets
values (gen_random_uuid(), 'bench', 'REQUESTED', '{}', 0);
