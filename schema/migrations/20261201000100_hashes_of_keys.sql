-- Idempotency keys as hashes, and receipts in a short form. A key took 350 bytes on disk, of which most were texts: the
-- key, three times with its index, and the receipt as JSON.
--
-- Keys and requests that exist are hashed here, and their receipts keep the form that they have.

-- Nothing is appended meanwhile, so no key is taken and not copied.
lock table es.idempotency in access exclusive mode;

do $$
declare
    old record;
begin
    for old in select * from es.partitions_of('idempotency') loop
        execute format('alter table %s rename to idempotency_old_%s', old.partition, old.number);
    end loop;
end $$;
alter table es.idempotency rename to idempotency_old;

create table es.idempotency (
    -- The beginning of a period of ten days: one of `es.periods_of_key()`.
    period       timestamptz not null,
    -- The first half of the SHA-256 of the organization, a zero byte, and the key. Half is enough: whoever finds two keys
    -- of one hash has chosen both, and so repeats only commands of their own.
    key_hash     uuid        not null,
    -- The first half of the SHA-256 of the request.
    request_hash uuid        not null,
    org_id       text        not null,
    -- The receipt or the refusal of the first run; `commands` knows the form.
    receipt      text        not null
) partition by range (period);
select es.protect('es.idempotency');

-- A key is unique within its period, which is what a partition holds. So the unique index needs no column for the period.
update es.partitioned_tables set unique_columns = 'key_hash' where name = 'idempotency';
alter table es.partitioned_tables add constraint a_partition_of_keys_is_a_period check (name <> 'idempotency' or width = 10);

select es.create_partition('idempotency', number) from es.partitions_of('idempotency_old');
insert into es.idempotency (period, key_hash, request_hash, org_id, receipt)
select period,
    encode(substr(sha256(convert_to(org_id, 'UTF8') || '\x00' || convert_to(key, 'UTF8')), 1, 16), 'hex')::uuid,
    encode(substr(request_hash, 1, 16), 'hex')::uuid,
    org_id, receipt::text
from es.idempotency_old;
drop table es.idempotency_old;

select es.maintain_partitions();
