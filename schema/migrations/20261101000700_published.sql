-- How far Kafka is, as the relay's publisher notes it once a second: for metrics, so that they are true
-- also while Kafka cannot be reached. Never the truth about Kafka, which only the record in Kafka is.
create table es.published (
    only_row boolean     primary key default true check (only_row),
    position bigint      not null default 0,
    moved_at timestamptz not null default clock_timestamp()
);
insert into es.published default values;
