with changed as (
    update peer_fan_out.droplets
    set version = version + 1, tags = case tags when '{}' then '{bench}'::text[] else '{}' end
    returning *
)
select version from changed, lateral (
    select pg_notify('peer_fan_out', json_build_object('version', version::text, 'type', 'droplet_tagged',
        'droplet', json_build_object('resourceId', resource_id, 'name', name, 'status', status, 'tags', tags)
    )::text)
) notified
