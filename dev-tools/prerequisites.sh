# shellcheck shell=bash
# The programs that the commands of `dev` need. Sourced by `dev`.
#
# Only missing ones are installed, so that a prepared machine needs no network.

readonly CARGO_DENY_VERSION=0.20.2

# What builds the workspace: a C and C++ compiler for librdkafka and ring, and for librdkafka zlib and zstd,
# which take longer to compile than to install.
require_for_build() {
  local missing=()
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  command -v c++ >/dev/null || missing+=(g++)
  command -v make >/dev/null || missing+=(make)
  command -v pkg-config >/dev/null || missing+=(pkg-config)
  pkg-config --exists zlib 2>/dev/null || missing+=(zlib1g-dev)
  pkg-config --exists libzstd 2>/dev/null || missing+=(libzstd-dev)
  install_packages "${missing[@]}" || die "the build needs these packages"
  require_rust
}

require_for_database() {
  postgres_bin >/dev/null || install_packages postgresql || die "a Postgres server is needed"
  postgres_bin >/dev/null ||
    die "the package 'postgresql' is older than $POSTGRES_MINIMUM; install a newer one, for example from apt.postgresql.org"
}

# Fails, without ending the script, if this machine cannot run a broker.
require_for_kafka() {
  local missing=() version
  command -v java >/dev/null || missing+=(default-jre-headless)
  if [[ ! -d $KAFKA_LIBS ]]; then
    command -v mvn >/dev/null || missing+=(maven)
  fi
  install_packages "${missing[@]}" || return 1
  version=$(java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -1)
  ((${version:-0} >= KAFKA_JAVA_MINIMUM)) || {
    warn "Apache Kafka $KAFKA_VERSION needs Java $KAFKA_JAVA_MINIMUM or newer, this machine has ${version:-none}"
    return 1
  }
}

require_for_checks() {
  local missing=()
  command -v shellcheck >/dev/null || missing+=(shellcheck)
  has_compose || missing+=(docker-compose)
  install_packages "${missing[@]}" || die "the checks need these packages"
}

require_cargo_deny() {
  ! cargo deny --version >/dev/null 2>&1 || return 0
  say "Installing cargo-deny $CARGO_DENY_VERSION, once; it takes a few minutes"
  (cd "$root" && cargo install --locked --version "$CARGO_DENY_VERSION" cargo-deny) ||
    die "cargo-deny could not be installed"
}

# Installs the toolchain of rust-toolchain.toml, or else uses an installed one that is not older.
require_rust() {
  if ! command -v cargo >/dev/null && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
  fi
  command -v cargo >/dev/null || install_rustup
  (cd "$root" && ! cargo --version >/dev/null 2>&1) || return 0
  local wanted
  wanted=$(sed -nE 's/^channel = "(.*)"/\1/p' "$root/rust-toolchain.toml")
  say "Installing Rust $wanted"
  ! rustup toolchain install "$wanted" --profile minimal --component rustfmt --component clippy || return 0
  local found
  found=$(rustup run stable rustc --version 2>/dev/null | cut -d' ' -f2) || true
  [[ -n $found && $(printf '%s\n' "$wanted" "$found" | sort -V | head -1) == "$wanted" ]] ||
    die "Rust $wanted could not be installed; run 'rustup toolchain install $wanted' where there is a network"
  warn "Rust $wanted cannot be fetched; using the installed stable $found instead"
  export RUSTUP_TOOLCHAIN=stable
}

install_rustup() {
  if [[ -n $(apt-cache search --names-only '^rustup$' 2>/dev/null) ]]; then
    install_packages rustup || die "the build needs Rust, through rustup"
    return
  fi
  command -v curl >/dev/null || install_packages curl ca-certificates || die "rustup is fetched with curl"
  say "Installing rustup"
  curl --proto '=https' --tlsv1.2 --silent --show-error --fail https://sh.rustup.rs |
    sh -s -- -y --no-modify-path --profile minimal --default-toolchain none ||
    die "rustup could not be installed; see https://rustup.rs"
  PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
}

# install_packages NAME...: installs Debian packages, or prints the command for it and fails.
install_packages() {
  (($#)) || return 0
  local as_root=() refresh=(apt-get update --quiet=2)
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "$@")
  if ! command -v apt-get >/dev/null; then
    warn "please install what Debian calls: $*"
    return 1
  fi
  if ((EUID != 0)); then
    # Without a terminal nobody can answer when sudo asks for a password.
    if ! command -v sudo >/dev/null || { [[ ! -t 0 ]] && ! sudo -n true 2>/dev/null; }; then
      warn "missing; run as root: apt-get update && apt-get install --yes $*"
      return 1
    fi
    as_root=(sudo)
  fi
  say "Installing from Debian: $*"
  "${as_root[@]}" "${refresh[@]}" || warn "the package lists could not be refreshed"
  "${as_root[@]}" "${install[@]}" || { warn "apt-get could not install: $*" && return 1; }
}
