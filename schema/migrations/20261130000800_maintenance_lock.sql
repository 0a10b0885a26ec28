-- Partitions are maintained under a lock that only who may change the settings of partitions can hold. An advisory
-- lock can be held by every login of the database, also by an analyst's: then no partition was created any more, and in
-- the end every write failed.
--
-- The search path names the schema of temporary tables, last. It is searched first where it is not named: then a caller's
-- temporary table `pg_class` decided which tables the owner drops.
create or replace function es.maintain_partitions() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    settings es.partitioned_tables;
    used bigint;
    changes integer := 0;
begin
    perform from es.partitioned_tables where name = 'events' for no key update skip locked;
    if not found then
        return 0;
    end if;
    for settings in select * from es.partitioned_tables order by name loop
        begin
            -- Each one from the one in use to the one that is used half a width later, whatever others exist: a clock
            -- that jumped ahead may have left some that are far away.
            if settings.by_time then
                changes := changes + (
                    select sum(es.create_partition(settings.name, number)) from generate_series(
                        es.period_at(now() - interval '10 minutes', settings.width),
                        es.period_at(now() + settings.width * interval '12 hours', settings.width)
                    ) as number);
            else
                used := case settings.name
                    when 'events' then (select last_value from es.events_seq_seq)
                    else (select position from es.log_head order by position desc limit 1)
                end;
                changes := changes + (
                    select sum(es.create_partition(settings.name, number)) from generate_series(
                        greatest(used - 1, 0) / settings.width + 1, (used + settings.width / 2) / settings.width + 1
                    ) as number);
            end if;
        exception when others then
            raise warning 'partitions of es.% are not created: %', settings.name, sqlerrm;
        end;
    end loop;
    for settings in select * from es.partitioned_tables where periods_kept is not null order by name loop
        changes := changes + es.drop_old_partitions(settings);
    end loop;
    return changes;
end $$;
