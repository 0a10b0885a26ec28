-- The head of the log changes many times a second. While an old snapshot is open, Postgres keeps each of its versions.
-- A scan of the table reads them all, and so does the check of a key whose value never changes. By its position the
-- last version is found at once. The table has its only row since it was created; nobody inserts another.
alter table es.log_head drop column only_row;
alter table es.log_head add primary key (position);
