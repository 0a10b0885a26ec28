# shellcheck shell=bash
# The checks of `./dev test` and `./dev lint`. Sourced by `dev`.
#
# A check is a function `check_NAME`. It succeeds, fails, or returns SKIPPED if this machine cannot run it,
# which counts as a failure where CI=true. Every check runs, also after a failed one, and a table at the end
# names them all.

readonly ALL_CHECKS=(fmt shell compose clippy docs rust fault conformance console)
# Run by name only. Both need cargo-deny, which takes minutes to compile. The rules of `deny` are held by tests
# too (clustergenie/tests/it/dependencies.rs), and `advisories` needs a database from GitHub.
readonly NAMED_CHECKS=(deny advisories)
readonly SKIPPED=75

# The results so far: a row for each check, whether one failed, and the directory of the servers.
summary=()
failed=0
servers=''

check_fmt() { cargo fmt --all --check; }

check_shell() { shellcheck --external-sources --check-sourced dev .ci/run deploy/*.sh dev-tools/conformance/examples/*.sh; }

# Reads the file as the user's `docker compose` would, which checks it against the compose
# specification's schema. Needs no Docker daemon.
check_compose() {
  export POSTGRES_PASSWORD=any PROCESSES_PASSWORD=any
  if docker compose version >/dev/null 2>&1; then
    docker compose --file docker-compose.yml config --quiet
  else
    docker-compose --file docker-compose.yml config --quiet
  fi
}

check_clippy() { cargo clippy --workspace --all-targets --all-features -- -D warnings; }

check_deny() { cargo deny --log-level error check bans licenses sources; }

check_advisories() { cargo deny --log-level error check advisories; }

check_docs() { RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --workspace --all-features; }

# All tests, or those that cargo's own arguments choose, on the servers that `start_test_servers` began.
# Most tests wait more than they compute: for leases, timeouts and servers.
check_rust() {
  local cores
  cores=$(nproc)
  RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((cores > 4 ? cores : 4))} \
    cargo test --all-features --no-fail-fast "$@"
}

# Runs the fault rig for two minutes with separate processes and Kafka, and for half a minute in one process.
# The seeds are fixed, so that a run can be repeated; `./dev fault` takes others.
check_fault() {
  local has_kafka=1
  { require_for_kafka && kafka_download; } || has_kafka=0
  fault_run debug 20261121 --minutes 0.5 --embedded
  ((has_kafka)) || return "$SKIPPED"
  fault_run debug 20261120 --minutes 2
}

has_compose() { docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null; }

# run_checks NAME...: runs the checks one after another; ends the script if one failed.
run_checks() {
  local name
  for name; do
    run_check "$name"
  done
  summarize
}

run_check() {
  local name=$1 result status started=$SECONDS
  shift
  say "── $name ──"
  # In a shell of its own and not behind `if`, so that the first failing line ends the check.
  set +e
  (
    set -e
    cd "$root"
    "check_$name" "$@"
  )
  status=$?
  set -e
  case $status in
    0) result=ok ;;
    "$SKIPPED") if [[ ${CI:-} == true ]]; then result=FAILED failed=1; else result=SKIPPED; fi ;;
    *) result=FAILED failed=1 ;;
  esac
  say "── $name: $result after $((SECONDS - started)) s ──"
  summary+=("$(printf '%-12s %-8s %5d s' "$name" "$result" $((SECONDS - started)))")
}

# Prints the table of what `run_check` collected, and ends the script when something failed.
summarize() {
  say "$(printf '%s\n' '' "${summary[@]}" "$(printf '%-12s %-8s %5d s' all '' "$SECONDS")")"
  ((failed == 0)) || exit 1
}

# Starts the servers of the tests on free ports, and stops them at the end of the script.
start_test_servers() {
  local port
  servers=$(temporary_folder clustergenie-test)
  # A test that skips itself adds a line.
  export CLUSTERGENIE_TEST_SKIPPED=$servers/skipped
  : >"$CLUSTERGENIE_TEST_SKIPPED"
  trap stop_test_servers EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  port=$(free_port)
  postgres_start "$servers" "$port"
  CLUSTERGENIE_TEST_DATABASE_URL=$(postgres_url "$port")
  export CLUSTERGENIE_TEST_DATABASE_URL

  unset CLUSTERGENIE_TEST_KAFKA
  port=$(free_port)
  if require_for_kafka && kafka_start "$servers" "$port"; then
    export CLUSTERGENIE_TEST_KAFKA=127.0.0.1:$port
  fi
}

stop_test_servers() {
  local name
  # A second Ctrl-C must not leave half of them running.
  trap '' INT TERM HUP
  if ((failed)); then
    mkdir -p "$target/test-logs"
    for name in postgres kafka; do
      cp -f "$servers/$name/server.log" "$target/test-logs/$name.log" 2>/dev/null || true
    done
    say "The logs of the servers are in $target/test-logs"
  fi
  kafka_stop "$servers"
  postgres_stop "$servers"
  rm -rf "$servers"
}

# The table's row for Kafka: its tests are skipped without a broker, which CI does not accept.
report_missing_kafka() {
  [[ -z ${CLUSTERGENIE_TEST_KAFKA:-} ]] || return 0
  warn "┌──────────────────────────────────────────────────────────────────────┐"
  warn "│ NO APACHE KAFKA COULD BE STARTED: the tests that need it are SKIPPED │"
  warn "└──────────────────────────────────────────────────────────────────────┘"
  if [[ ${CI:-} == true ]]; then
    failed=1
    summary+=("$(printf '%-12s %s' kafka 'FAILED   (its tests may not be skipped where CI=true)')")
  else
    summary+=("$(printf '%-12s %s' kafka 'SKIPPED')")
  fi
}

# The table's row for skipped tests, which cargo counts as passed and CI does not accept.
report_skipped_tests() {
  local skipped result=ok
  skipped=$(wc -l <"$CLUSTERGENIE_TEST_SKIPPED")
  if ((skipped > 0)); then
    result=SKIPPED
    [[ ${CI:-} != true ]] || result=FAILED failed=1
  fi
  summary+=("$(printf '%-12s %-8s %5d tests skipped' '' "$result" "$skipped")")
}

command_test() {
  local names=("${ALL_CHECKS[@]}") name
  if (($#)); then
    [[ " ${ALL_CHECKS[*]} ${NAMED_CHECKS[*]} " == *" $1 "* ]] ||
      die "'$1' is not a check; there are: ${ALL_CHECKS[*]}, and by name only: ${NAMED_CHECKS[*]}"
    names=("$1")
    shift
  fi
  require_for_build
  for name in "${names[@]}"; do
    [[ ! $name =~ ^(shell|compose)$ ]] || { require_for_checks && break; }
  done
  [[ " ${NAMED_CHECKS[*]} " != *" ${names[*]} "* ]] || require_cargo_deny
  for name in "${names[@]}"; do
    if [[ $name == conformance || $name == fault || $name == console ]]; then
      require_for_database
    elif [[ $name == rust ]]; then
      require_for_database
      start_test_servers
      report_missing_kafka
    fi
    run_check "$name" "$@"
    [[ $name != rust ]] || report_skipped_tests
  done
  summarize
}
