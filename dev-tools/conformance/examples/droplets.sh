#!/usr/bin/env bash
# Provisions a droplet with curl, sees it at once, and follows it over server-sent events.
# Run it: CLUSTERGENIE_URL=http://127.0.0.1:8085 CLUSTERGENIE_TOKEN=... ./droplets.sh NAME
# shellcheck disable=SC2016
set -euo pipefail

graphql() {
  curl --silent --show-error --fail-with-body "$CLUSTERGENIE_URL/graphql" \
    --header "authorization: Bearer $CLUSTERGENIE_TOKEN" --header 'content-type: application/json' "$@"
}

input='{"name": "'${1:-proxy-1}'", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64"}'
if ! provisioned=$(graphql --data '{
  "query": "mutation ($input: ProvisionDropletInput!) { provisionDroplet(input: $input) { droplet { id } consistencyToken userErrors { field message code } } }",
  "variables": {"input": '"$input"'}
}'); then
  echo "failed: $provisioned" >&2
  exit 1
fi
errors=$(jq --compact-output '.errors // .data.provisionDroplet.userErrors' <<<"$provisioned")
if [[ $errors != '[]' ]]; then
  echo "rejected: $errors" >&2
  exit 1
fi
token=$(jq --raw-output .data.provisionDroplet.consistencyToken <<<"$provisioned")
id=$(jq --raw-output .data.provisionDroplet.droplet.id <<<"$provisioned")

# The header makes every field of the request show the write.
graphql --header "x-consistency-token: $token" --data '{
  "query": "query ($id: ID!) { droplet(id: $id) { name status } }", "variables": {"id": "'"$id"'"}
}' | jq --raw-output '"listed " + .data.droplet.name'

# After a lost stream, send the same request with the `cursor` of the last event as `after`.
after=$token
while true; do
  while IFS= read -r line; do
    if [[ $line == '{'* ]]; then
      # The answer to a request that was refused, such as one with an expired token.
      echo "failed: $line" >&2
      exit 1
    fi
    [[ $line == 'data: {'* ]] || continue
    change=${line#data: }
    # An error ends the stream.
    jq --exit-status '.errors // empty' <<<"$change" >&2 && break
    after=$(jq --raw-output .data.dropletChanged.cursor <<<"$change")
    jq --raw-output '.data.dropletChanged.droplet | [.name, .status, .addresses[].ip] | join(" ")' <<<"$change"
  done < <(graphql --no-buffer --header 'accept: text/event-stream' --data '{
    "query": "subscription ($id: ID!, $after: String) { dropletChanged(id: $id, after: $after) { cursor droplet { name status addresses { ip } } } }",
    "variables": {"id": "'"$id"'", "after": "'"$after"'"}
  }' || true)
  sleep 1
done
