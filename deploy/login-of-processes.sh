#!/bin/sh
# Creates the database login of the processes, which owns nothing. The image of Postgres runs this once, when the
# database is new; docs/operators.md has the statements for an existing one.
set -eu

psql --no-psqlrc --set=ON_ERROR_STOP=1 --set=password="${PROCESSES_PASSWORD:?}" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
create role clustergenie_reader nologin;
create role clustergenie_service nologin;
create role clustergenie_processes login password :'password' in role clustergenie_reader, clustergenie_service;
SQL
