#!/bin/sh
# Writes the foreign assets of the API's page again, from the npm packages that they come from, and
# checks them against the hashes in api/src/transport/graphiql/README.md. Needs npm, tar and sha256sum.
# To move to another version: change it here and in the README, run this, and take over the hashes.
set -eu

assets=$(cd "$(dirname "$0")/../api/src/transport/graphiql" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# take NAME VERSION FILE... : copies files of the package; `FILE=NAME` renames.
take() {
    package=$1 version=$2
    shift 2
    archive=$(cd "$work" && npm pack --silent "$package@$version" 2>"$work/npm.log" | tail -n 1) || {
        cat "$work/npm.log" >&2
        exit 1
    }
    mkdir "$work/$package"
    tar -xzf "$work/$archive" -C "$work/$package"
    for file; do
        source=${file%%=*} target=${file#*=}
        cp "$work/$package/package/$source" "$assets/${target##*/}"
        chmod 644 "$assets/${target##*/}"
    done
}

take graphiql 4.1.2 graphiql.min.js graphiql.min.css LICENSE=LICENSE-graphiql
take graphql-ws 6.4.2 umd/graphql-ws.min.js LICENSE.md=LICENSE-graphql-ws
take react 18.3.1 umd/react.production.min.js LICENSE=LICENSE-react
take react-dom 18.3.1 umd/react-dom.production.min.js LICENSE=LICENSE-react-dom

cd "$assets"
grep -E '^[0-9a-f]{64}  ' README.md | sha256sum --check
