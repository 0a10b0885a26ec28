-- How many there are: per organization, one row a dimension and value. A row that reaches zero is
-- removed.
create table counts (
    org_id    text   not null,
    dimension text   not null,
    value     text   not null,
    count     bigint not null,
    primary key (org_id, dimension, value)
) with (fillfactor = 50);

select projections.protect('counts');

-- What a stream was last counted as: the model's own memory. Read by nobody else.
create table counted (
    stream_id uuid   primary key,
    version   bigint not null,
    counted   jsonb  not null
) with (fillfactor = 70);
