-- To-do lists of process managers. Kept by a consumer of events, worked off by any number of
-- processes. When the version of the consumer is raised, the list is rebuilt from the log in place.

create schema process;

-- Jobs that the platform runs itself and that have not ended. Read and written by the workers of the
-- process manager `platform`; its consumer adds submitted jobs and removes ended ones.
create table process.todo (
    job_id         uuid        primary key,
    org_id         text        not null,
    -- The droplet that the job concerns, if it concerns one.
    droplet_id     uuid,
    kind           text        not null,
    -- The event that asked for the job: the cause of every command that is sent for it.
    event_id       uuid        not null,
    correlation_id uuid        not null,
    -- Where that event stands in the log: jobs are begun in this order.
    position       bigint      not null,
    -- Which worker has it, and until when nobody else may take it: a claim that is renewed while the
    -- worker lives, or a pause after a failure.
    claimed_by     uuid,
    free_at        timestamptz not null default '-infinity',
    failures       integer     not null default 0
) with (fillfactor = 70);

create index todo_in_order on process.todo (position);

-- Whether a droplet's machine is still being made, before it is removed.
create index todo_by_droplet on process.todo (droplet_id) where droplet_id is not null;

-- What the simulated provider knows. The ordinal, never used twice, gives a machine its addresses.
create table process.simulated_machines (
    droplet_id uuid   primary key,
    ordinal    bigint not null generated always as identity unique
);
