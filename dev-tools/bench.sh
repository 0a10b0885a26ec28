# shellcheck shell=bash
# Benchmarks against peers and limits. Sourced by `dev`.
#
# The program `bench` measures. This file builds it, starts a durable Postgres (and a Kafka) for each benchmark, and
# installs peers into target/peers. Those of npm have the versions that package-lock.json in dev-tools/bench names.

readonly PEERS=$target/peers
# In the order in which they run.
readonly ALL_BENCHMARKS=(append append-peers relay project end-to-end query fan-out growth memory)
readonly BENCHMARKS_WITH_KAFKA=(relay end-to-end memory)

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

# The directory of the database, of the Kafka and of the logs of a run.
bench_data=''

# Installs what is missing of the peers. An unfinished installation is never used.
install_peers() (
  set -e
  ! grep -q '://' "$root/dev-tools/bench/package-lock.json" ||
    die "dev-tools/bench/package-lock.json names hosts; generate it again with the .npmrc beside it, and without 'funding'"
  mkdir -p "$PEERS"
  cd "$PEERS"
  cp "$root"/dev-tools/bench/{package.json,package-lock.json,.npmrc,postgraphile.mjs,event-stores.mjs} .
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

# Installs Debezium, the peer of `relay`. An unfinished installation is never used.
install_debezium() {
  local jars=$PEERS/debezium unfinished=$PEERS/debezium.unfinished.$$ pom=$root/dev-tools/bench/debezium/pom.xml
  ! cmp --quiet "$pom" "$jars/pom.xml" || return 0
  command -v mvn >/dev/null || install_packages maven || return 1
  say "Fetching Debezium from Maven Central into $jars"
  mkdir -p "$unfinished"
  mvn --quiet --batch-mode --file "$pom" dependency:copy-dependencies -Dkafka.version="$KAFKA_VERSION" \
    -DincludeScope=runtime -DoutputDirectory="$unfinished" || return 1
  cp "$pom" "$unfinished"
  rm -rf "$jars"
  mv -T "$unfinished" "$jars"
}

stop_bench() {
  trap '' INT TERM HUP
  kafka_stop "$bench_data"
  postgres_stop "$bench_data"
  rm -rf "$bench_data"
}

# bench_one NAME PROFILE [ARGS]: runs a benchmark with servers of its own. CLUSTERGENIE_BENCH_PROGRAM names a program
# that is built already, and measured instead of this source.
bench_one() (
  local name=$1 profile=$2 port kafka_port dir=$target/bench/$1
  shift 2
  bench_data=$(temporary_folder clustergenie-bench)
  trap stop_bench EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  port=$(free_port)
  # The peer of `relay` reads the write-ahead log.
  postgres_start "$bench_data" "$port" "$BENCH_POSTGRES_SETTINGS
wal_level = $([[ $name == relay ]] && echo logical || echo replica)"
  if [[ " ${BENCHMARKS_WITH_KAFKA[*]} " == *" $name "* ]]; then
    kafka_port=$(free_port)
    kafka_start "$bench_data" "$kafka_port" || exit 1
    set -- --kafka "127.0.0.1:$kafka_port" --kafka-libs "$KAFKA_LIBS" "$@"
  fi
  rm -rf "$dir"
  mkdir -p "$dir"
  "$target/$profile/bench" "$name" --program "${CLUSTERGENIE_BENCH_PROGRAM:-$target/$profile/clustergenie}" \
    --database-url "$(postgres_url "$port")" --postgres-bin "$(postgres_bin)" \
    --dir "$dir" --json "$target/bench/$name.json" "$@"
  say "The report is in $target/bench/$name.json, and the logs of the servers are in $dir"
)

# Runs the micro-benchmarks, which need no server and write no report.
bench_micro() {
  require_for_build
  (cd "$root" && cargo bench -p bench --bench micro -- --quiet --noplot --warm-up-time 0.5 --measurement-time 1)
}

command_bench() {
  if [[ ${1:-} == micro ]]; then
    bench_micro
    return
  fi
  local profile=release peers=0 passed=() names=() build=(cargo build) name
  while (($#)); do
    case $1 in
      --peers) peers=1 ;;
      --debug) profile=debug ;;
      --full) passed+=("$1") ;;
      # Those of one benchmark are not known to the others.
      --seconds | --rounds | --connections | --works | --callers | --events | --rates)
        passed+=("$1" "${2:?"$1 needs a value"}") && shift
        ;;
      *)
        [[ " ${ALL_BENCHMARKS[*]} " == *" $1 "* ]] ||
          die "'$1' is no benchmark and no option; there are: ${ALL_BENCHMARKS[*]}"
        names+=("$1")
        ;;
    esac
    shift
  done
  ((${#names[@]})) || names=("${ALL_BENCHMARKS[@]}")
  require_for_build
  require_for_database
  [[ -x $(postgres_bin)/pgbench ]] || install_packages postgresql-contrib || die "pgbench is needed"
  for name in "${names[@]}"; do
    [[ " ${BENCHMARKS_WITH_KAFKA[*]} " != *" $name "* ]] || require_for_kafka || die "$name needs Kafka"
  done
  if ((peers)); then
    require_for_peers || die "--peers needs the peers"
    passed+=(--peers "$PEERS" --node "$(node_of "$PEERS")")
    [[ " ${names[*]} " != *" relay "* ]] || install_debezium || die "relay needs Debezium"
  fi
  [[ $profile == debug ]] || build+=(--release)
  # One after the other, so that the program is the same as that of `./dev up`.
  [[ -n ${CLUSTERGENIE_BENCH_PROGRAM:-} ]] || (cd "$root" && "${build[@]}" -p clustergenie)
  (cd "$root" && "${build[@]}" -p bench)
  for name in "${names[@]}"; do
    say "Benchmark $name"
    bench_one "$name" "$profile" "${passed[@]}"
  done
}
