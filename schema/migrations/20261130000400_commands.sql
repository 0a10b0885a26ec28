-- Every command that was carried out or refused, with all that its decision rested on. Accepted ones are written by the
-- append, in the transaction of their events; the others before their answer. Read by auditors and by
-- `clustergenie verify`, which decides them again.

create table es.commands (
    org_id      text        not null,
    -- When it was decided and stored, by the clock of the database.
    recorded_at timestamptz not null default clock_timestamp(),
    -- Not unique: a process manager repeats a command under its id.
    command_id  uuid        not null,
    -- The name of the use case; of a denied command, that of the mutation.
    name        text        not null,
    -- The stream that the command names, by the code of its type and its id; null if it was denied before it was read.
    stream_type smallint,
    stream_id   uuid,
    actor       text        not null,
    -- The id of the credential, such as the claim `jti` of a token.
    credential  text,
    -- ACCEPTED (has events), UNCHANGED (there was nothing to do), REJECTED (by a rule), CONFLICT (others kept changing
    -- what it read), DENIED (the role does not allow it).
    outcome     text        not null,
    -- The code of the rejection, or the missing right.
    rule        text,
    -- More than 1 for a flood: that many equal commands of the actor, of which this one stands for all.
    times       integer     not null default 1 check (times > 0),
    -- The version of the program that decided.
    program     text        not null,
    -- As in the events of the command: actor, ids, source, trace, business time.
    metadata    json        not null,
    -- The arguments of the client.
    input       json        not null,
    -- What the decision rested on: the ids that were made for it, the versions that it read, the name or the count that
    -- it was rejected for, its idempotency key.
    basis       json        not null,
    -- The counts that an accepted command was held against, as [scope, key, count]; null if there are none.
    counts      json
) partition by range (recorded_at);
create index commands_of_organization on es.commands (org_id, recorded_at);

-- What was tried is history, too. Dropping a partition that is no longer kept is no change of it.
create trigger commands_are_immutable before update or delete or truncate on es.commands
    for each statement execute function es.refuse_change();

insert into es.partitioned_tables values ('commands', 10, true, null, 40);
select es.maintain_partitions();

alter table es.commands enable row level security;
create policy of_organization on es.commands for select to clustergenie_reader
    using (org_id = current_setting('clustergenie.org', true));
grant select on es.commands to clustergenie_reader;
