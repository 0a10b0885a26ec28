# shellcheck shell=bash
# Builds and checks the console, the web page of the platform. Sourced by `dev`.
#
# Everything happens in target/console, so that the sources stay free of packages. The built bundle in console/dist is
# a part of the repository; the check builds it again and compares.

readonly CONSOLE=$target/console

# Fails, without ending the script, if the packages cannot be installed.
require_for_console() {
  local missing=()
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  [[ -x /usr/bin/chromium ]] || missing+=(chromium)
  install_packages "${missing[@]}" || return 1
  ! grep -q '://' "$root/console/package-lock.json" ||
    die "console/package-lock.json names hosts; generate it again with the .npmrc beside it, and without 'funding'"
  install_console || {
    warn "the packages of the console could not be fetched from npm: connect this machine to it, or to a mirror that npm is set up for"
    return 1
  }
}

# Copies the sources beside the schema, and installs the packages that the lock file names.
install_console() (
  set -e
  mkdir -p "$CONSOLE/console"
  ln -sfn "$root/schema" "$CONSOLE/schema"
  cd "$CONSOLE/console"
  rm -rf src tests public dist
  cp -r "$root"/console/{src,tests,public,index.html,package.json,package-lock.json,tsconfig.json,vite.config.ts,vitest.config.ts,.npmrc} .
  if ! sha256sum --check --quiet installed >/dev/null 2>&1; then
    say "Installing the packages of the console into $CONSOLE"
    npm ci --silent || exit 1
    sha256sum package.json package-lock.json >installed
  fi
)

# Checks types and messages, compares the bundle with the sources, and tries the pages in a browser.
check_console() {
  require_for_console || return "$SKIPPED"
  (
    cd "$CONSOLE/console"
    npm run --silent types
    cmp src/graphql/schema.d.ts "$root/console/src/graphql/schema.d.ts" ||
      die "the types of the schema are old; run './dev console build'"
    npm run --silent check
    npm run --silent test
    npm run --silent build -- --logLevel warn
    diff -r dist "$root/console/dist" || die "console/dist is not what its sources build; run './dev console build'"
  )
  require_for_database
  cargo build --package clustergenie
  cd "$CONSOLE/console"
  CONSOLE_PROGRAM=$target/debug/clustergenie CONSOLE_SHOTS=$CONSOLE/shots npm run --silent test
  say "The screenshots are in $CONSOLE/shots"
}

# command_console [build]: serves the sources beside a running platform, or builds the bundle.
command_console() {
  require_for_console || die "the console needs its packages"
  case ${1:-serve} in
    build)
      cd "$CONSOLE/console"
      npm run --silent types
      cp src/graphql/schema.d.ts "$root/console/src/graphql/schema.d.ts"
      npm run --silent build -- --logLevel warn
      rm -rf "$root/console/dist"
      cp -r dist "$root/console/dist"
      ;;
    serve)
      # Vite watches the sources themselves.
      rm -rf "$CONSOLE/console/src"
      ln -sfn "$root/console/src" "$CONSOLE/console/src"
      cd "$CONSOLE/console"
      exec npx vite
      ;;
    *) die "'$1' is no command of the console; there are: build, serve" ;;
  esac
}
