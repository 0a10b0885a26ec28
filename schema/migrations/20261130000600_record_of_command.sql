-- What commands are searched for by keeps its column in `es.commands`; the rest of a record becomes one document. A row
-- is smaller, and the append sends fewer values for it.
--
-- The document is JSON as `text`: the program has checked it, and the append does not parse it once more. It has no key for what is null, nor for a `times` of 1:
--   correlation_id, causation_id, traceparent, source, occurred_at: as in the events of the command
--   credential  the id of the credential, such as the claim `jti` of a token
--   rule        the code of the rejection, or the missing right
--   times       more than 1 for a flood: that many equal commands of the actor, of which this one stands for all
--   input       the arguments of the client
--   basis       what the decision rested on: the ids that were made for it, the versions that it read, the name or the
--               count that it was rejected for, its idempotency key
create function pg_temp.record(metadata json, credential text, rule text, times integer, input json, basis json)
returns text language sql immutable as $$
    select json_object_agg(key, value order by place)::text
    from (
        select 1 as place, key, value::json from jsonb_each(metadata::jsonb - 'actor' - 'command_id')
        union all values
            (2, 'credential', to_json(credential)),
            (3, 'rule', to_json(rule)),
            (4, 'times', to_json(nullif(times, 1))),
            (5, 'input', input),
            (6, 'basis', basis)
    ) as part
    where value is not null
$$;

alter table es.commands add column record text;
-- Writes the rows again, instead of changing them: they are immutable.
alter table es.commands
    alter column record type text using pg_temp.record(metadata, credential, rule, times, input, basis),
    alter column record set not null;
alter table es.commands
    drop column metadata,
    drop column credential,
    drop column rule,
    drop column times,
    drop column input,
    drop column basis;
