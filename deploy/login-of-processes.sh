#!/bin/sh
# Creates the database login of the processes, which owns nothing. The image of Postgres runs this once, when the
# database is new. Run it by hand for an existing one.
set -eu

psql --no-psqlrc --set=ON_ERROR_STOP=1 --set=password="${PROCESSES_PASSWORD:?}" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
select format('create role %I nologin', name)
from unnest(array['clustergenie_reader', 'clustergenie_service']) as name
where to_regrole(name) is null \gexec
create role clustergenie_processes login password :'password' in role clustergenie_reader, clustergenie_service;
SQL
