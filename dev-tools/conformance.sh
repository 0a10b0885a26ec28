# shellcheck shell=bash
# Checks the GraphQL API with the public clients and tools of its protocols. Sourced by `dev`.
#
# The tools come from npm and PyPI into target/conformance, in the versions that package-lock.json and
# requirements.txt in dev-tools/conformance name; the suites beside these run there too. A suite prints a
# line `ok - ...` or `not ok - ...` for each check and fails when one does.

readonly CONFORMANCE=$target/conformance
# Older versions lack `WebSocket` and cannot run TypeScript directly.
readonly NODE_MINIMUM=22.18
readonly FUZZ_EXAMPLES=100 FUZZ_SEED=20261101
readonly ALL_SUITES=(graphql-http graphql-http-fields graphql-ws graphql-sse relay-compiler
  graphql-inspector validation differential schemathesis gql examples)
# Documents of the suite `differential`, and its seed. Alone the suite takes a random seed, which it prints; among
# other checks always the same, so that a change fails by its own faults only.
differential_documents=10000
differential_seed=20261130

# The platform's process and data directory while suites run.
platform_pid=''
platform_data=''
platform_program=''

# Fails, without ending the script, if the tools cannot be installed.
require_for_conformance() {
  local missing=()
  if ! node_is_new_enough node; then
    # Any Node.js starts npm, which brings a new one.
    command -v node >/dev/null || missing+=(nodejs)
  fi
  command -v npm >/dev/null || missing+=(npm)
  command -v jq >/dev/null || missing+=(jq)
  command -v curl >/dev/null || missing+=(curl)
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
  install_packages "${missing[@]}" || return 1
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    warn "the Python tools need Python 3.11 or newer, this machine has $(python3 --version)"
    return 1
  }
  ! grep -q '://' "$root/dev-tools/conformance/package-lock.json" ||
    die "dev-tools/conformance/package-lock.json names hosts; generate it again with the .npmrc beside it, and without 'funding'"
  install_conformance_tools || {
    warn "the tools could not be fetched from npm and PyPI: connect this machine to them, or to mirrors that npm and pip are set up for"
    return 1
  }
}

node_is_new_enough() {
  local version
  version=$("$1" --version 2>/dev/null) || return 1
  [[ $(printf '%s\n' "$NODE_MINIMUM" "${version#v}" | sort -V | head -1) == "$NODE_MINIMUM" ]]
}

# Installs the tools that are missing in these versions. An unfinished installation is never used.
install_conformance_tools() (
  set -e
  mkdir -p "$CONFORMANCE"
  cd "$CONFORMANCE"
  cp "$root"/dev-tools/conformance/{package.json,package-lock.json,.npmrc,requirements.txt} .
  if ! sha256sum --check --quiet installed-npm >/dev/null 2>&1; then
    local omit=()
    ! node_is_new_enough node || omit=(--omit=optional)
    say "Installing the tools of npm into $CONFORMANCE"
    npm ci --silent "${omit[@]}" || exit 1
    sha256sum package.json package-lock.json >installed-npm
  fi
  if ! sha256sum --check --quiet installed-python >/dev/null 2>&1; then
    say "Installing the tools of PyPI into $CONFORMANCE"
    rm -rf python
    python3 -m venv python || exit 1
    python/bin/pip install --quiet --no-deps --requirement requirements.txt || exit 1
    sha256sum requirements.txt >installed-python
  fi
)

# node_of DIR: prints the Node.js that runs what is installed in DIR.
node_of() {
  if node_is_new_enough node; then
    command -v node
  else
    local own=("$1"/node_modules/node-linux-*/bin/node)
    echo "${own[0]}"
  fi
}

# Copies the suites and their files to the tools, so that their imports are found.
copy_suites() {
  local old
  for old in documents examples relay released changed validation differential; do
    rm -rf "${CONFORMANCE:?}/$old"
  done
  cp -R "$root"/dev-tools/conformance/. "$CONFORMANCE"
  cp -R "$root"/schema/graphql/{schema.graphql,released} "$CONFORMANCE"
  cp "$root/docs/frontends.md" "$CONFORMANCE"
}

# Prints the program: the release or debug build if it is current, else a new debug build, which compiles most
# dependencies again with fewer features.
conformance_program() {
  local program sources=("$root"/*/src "$root"/*/Cargo.toml "$root"/schema "$root/Cargo.lock")
  for program in "$target"/{release,debug}/clustergenie; do
    [[ ! -x $program || -n $(find "${sources[@]}" -type f -newer "$program" -print -quit) ]] || {
      echo "$program"
      return
    }
  done
  (cd "$root" && cargo build --quiet -p clustergenie) || return 1
  echo "$target/debug/clustergenie"
}

# Starts a platform on a free port with an empty data folder, for the suites of this shell.
start_platform() {
  local ready
  platform_program=$(conformance_program)
  platform_data=$(temporary_folder clustergenie-conformance)
  ready=$platform_data/ready.json
  trap stop_platform EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  "$platform_program" up --data "$platform_data/data" --listen 127.0.0.1:0 --ready-file "$ready" \
    --step-delay 50ms >"$CONFORMANCE/logs/platform.log" 2>&1 </dev/null &
  platform_pid=$!
  local deadline=$((SECONDS + 90))
  until [[ -s $ready ]]; do
    kill -0 "$platform_pid" 2>/dev/null || die "the platform did not start, see $CONFORMANCE/logs/platform.log"
    ((SECONDS < deadline)) || die "the platform is not ready after 90 s, see $CONFORMANCE/logs/platform.log"
    sleep 0.1
  done
  CLUSTERGENIE_URL=$(jq --raw-output .url "$ready")
  CLUSTERGENIE_TOKEN=$(jq --raw-output .token "$ready")
  export CLUSTERGENIE_URL CLUSTERGENIE_TOKEN
}

stop_platform() {
  trap '' INT TERM HUP
  if [[ -n $platform_pid ]]; then
    kill "$platform_pid" 2>/dev/null || true
    wait "$platform_pid" 2>/dev/null || true
  fi
  [[ -z $platform_data ]] || rm -rf "$platform_data"
}

suite_graphql-http() { "$node" graphql-http.mjs; }
suite_graphql-http-fields() { "$node" graphql-http.mjs fields; }
suite_graphql-ws() { "$node" graphql-ws.mjs; }
suite_graphql-sse() { "$node" graphql-sse.mjs; }
suite_relay-compiler() { "$node" relay.mjs; }
suite_graphql-inspector() { "$node" inspector.mjs; }
suite_gql() { python/bin/python gql_client.py; }
suite_validation() { "$node" validation.mjs; }

# Has an organization of its own, whose rows nothing else changes. Agents may spend the most points.
suite_differential() {
  local token
  token=$("$platform_program" token --data "$platform_data/data" --org differential --role admin --role agent) || return 1
  CLUSTERGENIE_TOKEN=$token "$node" differential.mjs "$differential_documents" "$differential_seed"
}

# One check for each field of the schema's roots, with so many documents each.
suite_schemathesis() {
  local status=0
  rm -f fuzz.xml
  CONFORMANCE_CODES=$(error_codes) SCHEMATHESIS_HOOKS=fuzz PYTHONPATH=. python/bin/st --no-color run \
    "$CLUSTERGENIE_URL/graphql" --header "authorization: Bearer $CLUSTERGENIE_TOKEN" \
    --checks every_error_has_a_known_code --max-examples "$FUZZ_EXAMPLES" \
    --seed "$FUZZ_SEED" --workers 2 --generation-database none \
    --report junit --report-junit-path fuzz.xml || status=$?
  sed -nE -e 's/^ *<testcase name="([^"]*)".*\/>$/ok - \1/p' \
    -e 's/^ *<testcase name="([^"]*)".*[^/]>$/not ok - \1/p' fuzz.xml
  return "$status"
}

suite_examples() {
  CONFORMANCE_CODES="$(error_codes) $(refusal_codes)" "$node" --disable-warning=ExperimentalWarning examples.mjs
}

# The codes of top-level errors.
error_codes() { sed -nE 's/^ +Self::[A-Za-z]+ => "([A-Z_]+)",$/\1/p' "$root/api/src/graph/error.rs"; }

# The codes of `userErrors`: of the rules, of the commands, and of the checks of input.
refusal_codes() {
  sed -nE 's/^ +Self::[A-Za-z]+( \{ \.\. \})? => "([A-Z_]+)",$/\2/p' \
    "$root"/domain/src/{input,*/rejection}.rs
  grep -rhoE --include='*.rs' --exclude=tests.rs 'code: "[A-Z_]+"' "$root"/{domain,commands}/src | cut -d'"' -f2
  grep -rhE --include='*.rs' 'refuse\(' "$root/api/src" | grep -oE '"[A-Z_]+"' | tr -d '"'
}

# run_suite NAME: runs a suite, and adds its row to the table.
run_suite() {
  local name=$1 log=$CONFORMANCE/logs/$1.log status=0 started=$SECONDS passed total result=ok
  (cd "$CONFORMANCE" && "suite_$name") >"$log" 2>&1 || status=$?
  passed=$(grep -c '^ok - ' "$log") || true
  total=$((passed + $(grep -c '^not ok - ' "$log" || true)))
  if ((status != 0 || passed != total || total == 0)); then
    result=FAILED conformance_failed=1
    grep -A 12 '^not ok - ' "$log" >&2 || tail -20 "$log" >&2
    say "The output of $name is in $log"
  fi
  table+=("$(printf '%-20s %-7s %4d/%-4d %4d s' "$name" "$result" "$passed" "$total" $((SECONDS - started)))")
}

# Runs these suites, or all, on a platform of their own, and prints the table.
check_conformance() {
  local names=("$@") name node conformance_failed=0 table=() started=$SECONDS
  (($#)) || names=("${ALL_SUITES[@]}")
  require_for_conformance || {
    warn "┌───────────────────────────────────────────────────────────────────────────────────┐"
    warn "│ THE PUBLIC TOOLS CANNOT BE INSTALLED: the API is NOT checked with them (SKIPPED)  │"
    warn "└───────────────────────────────────────────────────────────────────────────────────┘"
    return "$SKIPPED"
  }
  node=$(node_of "$CONFORMANCE")
  copy_suites
  mkdir -p "$CONFORMANCE/logs"
  start_platform
  for name in "${names[@]}"; do
    say "$name ..."
    run_suite "$name"
  done
  say "$(printf '%s\n' '' "${table[@]}" "$(printf '%-20s %-7s %9s %4d s' all '' '' $((SECONDS - started)))")"
  ((conformance_failed == 0))
}

command_conformance() {
  local names=() seed_given=''
  while (($#)); do
    case $1 in
      --documents | --seed)
        [[ ${2:-} =~ ^[0-9]+$ ]] || die "$1 needs a number"
        printf -v "differential_${1#--}" '%s' "$2"
        [[ $1 != --seed ]] || seed_given=yes
        shift
        ;;
      *)
        [[ " ${ALL_SUITES[*]} " == *" $1 "* ]] || die "'$1' is not a suite; there are: ${ALL_SUITES[*]}"
        names+=("$1")
        ;;
    esac
    shift
  done
  [[ $seed_given || ${names[*]} != differential ]] || differential_seed=''
  require_for_build
  require_for_database
  # In a shell of its own, whose end stops the platform.
  (cd "$root" && check_conformance "${names[@]}")
}
