# shellcheck shell=bash
# A throw-away Postgres in its own directory. Sourced by `dev`.
#
# It never touches another Postgres. It trades durability for speed, so it must not hold data of value.

readonly POSTGRES_MINIMUM=15
# Not a secret: the server listens on the loopback interface and holds no data of value.
readonly THROWAWAY_PASSWORD=postgres

# Prints the directory of the newest suitable server programs, or fails.
postgres_bin() {
  local candidate version
  while read -r candidate; do
    [[ -x $candidate/initdb && -x $candidate/pg_ctl && -x $candidate/postgres ]] || continue
    version=$("$candidate/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
    ((version >= POSTGRES_MINIMUM)) || continue
    echo "$candidate"
    return
  done < <(
    find /usr/lib/postgresql /usr/pgsql-* -maxdepth 2 -name bin 2>/dev/null | sort -rV
    pg_config --bindir 2>/dev/null
    dirname "$(command -v postgres 2>/dev/null || echo /none/postgres)"
  )
  return 1
}

# Runs a command as the user that owns the cluster: Postgres refuses to run as root.
as_postgres_user() {
  if ((EUID != 0)); then
    "$@"
  elif id -u postgres >/dev/null 2>&1; then
    runuser -u postgres -- "$@"
  else
    runuser -u nobody -- "$@"
  fi
}

postgres_url() { echo "postgres://postgres:$THROWAWAY_PASSWORD@127.0.0.1:$1/postgres"; }

# postgres_start DIR PORT [SETTINGS]: creates a cluster in DIR/postgres and returns when it accepts connections.
# SETTINGS are further lines of postgresql.conf, which win.
postgres_start() {
  local dir=$1/postgres port=$2 settings=${3:-} bin
  bin=$(postgres_bin) || die "no Postgres $POSTGRES_MINIMUM or newer was found; install the package 'postgresql'"
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  [[ ! -e $dir/data ]] || die "$dir/data is there already; stop it with './dev db stop' or choose another --dir"
  echo "$THROWAWAY_PASSWORD" >"$dir/password"
  if ((EUID == 0)); then
    chown -R "$(as_postgres_user id -u)" "$dir"
  fi
  # From inside the folder, because the owner of the cluster may not be allowed to enter ours.
  (
    cd "$dir" || exit
    as_postgres_user test -r password || die "the user that runs Postgres cannot reach $dir; choose another --dir"
    as_postgres_user "$bin/initdb" --pgdata=data --username=postgres --pwfile=password \
      --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync >initdb.log ||
      die "initdb failed, see $dir/initdb.log"
    cat >>data/postgresql.conf <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
max_connections = 300
max_prepared_transactions = 10
fsync = off
full_page_writes = off
$settings
CONF
    as_postgres_user "$bin/pg_ctl" --pgdata=data --log=server.log --wait --timeout=60 --silent start ||
      die "Postgres did not start, see $dir/server.log"
  )
}

# postgres_stop DIR: stops and removes the cluster in DIR/postgres, if there is one.
postgres_stop() {
  local dir=$1/postgres
  [[ -d $dir ]] || return 0
  if [[ -e $dir/data/postmaster.pid ]]; then
    (cd "$dir" && as_postgres_user "$(postgres_bin)/pg_ctl" --pgdata=data --mode=immediate --wait --silent stop) ||
      warn "Postgres in $dir was not running any more"
  fi
  rm -rf "$dir"
}

command_db() {
  local remembered=$target/dev/postgres-dir dir='' port='' action=start chosen=''
  while (($#)); do
    case $1 in
      start | stop) action=$1 ;;
      --dir) dir=$(realpath -m "${2:?--dir needs a folder}") chosen=" --dir $2" && shift ;;
      --port) port=${2:?--port needs a number} && shift ;;
      *) die "'$1' is not known to ./dev db; see ./dev help" ;;
    esac
    shift
  done
  # Not inside the project's folder: run by root, the cluster belongs to a user who may not enter it.
  [[ -n $dir || ! -r $remembered ]] || dir=$(<"$remembered")
  if [[ $action == stop ]]; then
    [[ -n $dir ]] || die "no database of './dev db' is known; name its folder with --dir"
    postgres_stop "$dir"
    rmdir "$dir" 2>/dev/null || true
    [[ -n $chosen ]] || rm -f "$remembered"
    say "The database is stopped and removed."
    return
  fi
  require_for_database
  if [[ -z $dir ]]; then
    dir=$(temporary_folder clustergenie-db)
    mkdir -p "${remembered%/*}"
    echo "$dir" >"$remembered"
  fi
  port=${port:-$(free_port)}
  postgres_start "$dir" "$port"
  say "A throw-away Postgres runs on port $port, with its files in $dir/postgres."
  say "Stop and remove it: ./dev db stop$chosen"
  echo "export CLUSTERGENIE_TEST_DATABASE_URL=$(postgres_url "$port")"
}
