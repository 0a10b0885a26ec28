# shellcheck shell=bash
# Benchmarks against peers and limits, one function `bench_NAME` each. Sourced by `dev`.
#
# The program `bench` measures; this file builds it, starts a durable Postgres for it, and installs the peers from
# npm into target/peers, in the versions that package-lock.json in dev-tools/bench names.

readonly PEERS=$target/peers
readonly ALL_BENCHMARKS=(query)

# Durable, and large enough for the rows. The same for all sides. JSON, because `bench` reads statements in the log.
readonly BENCH_POSTGRES_SETTINGS="fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = 512MB
max_wal_size = 2GB
logging_collector = on
log_destination = jsonlog
log_rotation_age = 0
log_rotation_size = 0"

# The directory of the database and of the logs of a run.
bench_data=''

# Installs what is missing of the peers. An unfinished installation is never used.
install_peers() (
  set -e
  ! grep -q '://' "$root/dev-tools/bench/package-lock.json" ||
    die "dev-tools/bench/package-lock.json names hosts; generate it again with the .npmrc beside it, and without 'funding'"
  mkdir -p "$PEERS"
  cd "$PEERS"
  cp "$root"/dev-tools/bench/{package.json,package-lock.json,.npmrc,postgraphile.mjs} .
  if ! sha256sum --check --quiet installed >/dev/null 2>&1; then
    local omit=()
    ! node_is_new_enough node || omit=(--omit=optional)
    say "Installing the peers of npm into $PEERS"
    npm ci --silent "${omit[@]}" || exit 1
    sha256sum package.json package-lock.json >installed
  fi
)

# Fails, without ending the script, if the peers cannot be installed.
require_for_peers() {
  local missing=()
  # Any Node.js starts npm, which brings a new one.
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  install_packages "${missing[@]}" || return 1
  install_peers || {
    warn "the peers could not be fetched from npm: connect this machine to it, or to a mirror that npm is set up for"
    return 1
  }
}

stop_bench() {
  trap '' INT TERM HUP
  postgres_stop "$bench_data"
  rm -rf "$bench_data"
}

# Queries a second over HTTP: ours, PostGraphile and the SQL alone. CLUSTERGENIE_BENCH_PROGRAM names a program that
# is built already, and measured instead of this source.
bench_query() {
  local profile=release peers=0 passed=() build=(cargo build) port dir program=${CLUSTERGENIE_BENCH_PROGRAM:-}
  while (($#)); do
    case $1 in
      --peers) peers=1 ;;
      --debug) profile=debug ;;
      --seconds | --rounds | --connections | --works) passed+=("$1" "${2:?"$1 needs a value"}") && shift ;;
      *) die "'$1' is not known to ./dev bench query; see ./dev help" ;;
    esac
    shift
  done
  require_for_build
  require_for_database
  [[ -x $(postgres_bin)/pgbench ]] || install_packages postgresql-contrib || die "pgbench is needed"
  if ((peers)); then
    require_for_peers || die "--peers needs PostGraphile"
    passed+=(--peers "$PEERS" --node "$(node_of "$PEERS")")
  fi
  [[ $profile == debug ]] || build+=(--release)
  # One after the other, so that the program is the same as that of `./dev up`.
  [[ -n $program ]] || (cd "$root" && "${build[@]}" -p clustergenie)
  (cd "$root" && "${build[@]}" -p bench)

  bench_data=$(temporary_folder clustergenie-bench)
  trap stop_bench EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  port=$(free_port)
  postgres_start "$bench_data" "$port" "$BENCH_POSTGRES_SETTINGS"
  dir=$target/bench/query
  rm -rf "$dir"
  mkdir -p "$dir"
  "$target/$profile/bench" query --program "${program:-$target/$profile/clustergenie}" \
    --database-url "$(postgres_url "$port")" --postgres-bin "$(postgres_bin)" \
    --dir "$dir" --json "$target/bench/query.json" "${passed[@]}"
  say "The report is in $target/bench/query.json, and the logs of the servers are in $dir"
}

command_bench() {
  local name=${1:-}
  [[ -n $name && " ${ALL_BENCHMARKS[*]} " == *" $name "* ]] ||
    die "'$name' is not a benchmark; there are: ${ALL_BENCHMARKS[*]}"
  shift
  "bench_$name" "$@"
}
