// Provisions a droplet with urql, sees it in a list at once, and follows it until its machine runs.
// Run it: CLUSTERGENIE_URL=http://127.0.0.1:8085 CLUSTERGENIE_TOKEN=... node droplets.ts NAME
import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';

const url = `${process.env.CLUSTERGENIE_URL}/graphql`;
// A program that runs longer than its token returns a new one here.
const headers = () => ({ authorization: `Bearer ${process.env.CLUSTERGENIE_TOKEN}` });
const name = process.argv[2] ?? 'queue-1';

// Sends the cursor of the last change when it reconnects, so that no change is lost or repeated.
const socket = createClient({
  url,
  connectionParams: headers,
  retryAttempts: Infinity,
  // A token that expired meanwhile is replaced; one that is refused (4403 too) stays refused. Everything else
  // passes by waiting.
  shouldRetry: (closed) => {
    const { code, reason } = closed as { code?: number; reason?: string };
    return code !== 4403 || (reason ?? '').startsWith('the token expired');
  },
});
const client = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: () => ({ headers: headers() }),
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => {
          const resumable: Record<string, unknown> = { ...variables };
          const unsubscribe = socket.subscribe<any>(
            { query, variables: resumable },
            {
              ...sink,
              next: (result) => {
                resumable.after = result.data?.dropletChanged?.cursor ?? resumable.after;
                sink.next(result as Parameters<typeof sink.next>[0]);
              },
            },
          );
          return { unsubscribe };
        },
      }),
    }),
  ],
});

// 1. A mutation. With a key it is safe to send again after a lost answer.
const input = { name, size: 's-1vcpu-1gb', region: 'nyc3', image: 'ubuntu-24-04-x64' };
const provisioned = await client.mutation(
  gql`
    mutation ($input: ProvisionDropletInput!, $key: String!) {
      provisionDroplet(input: $input) @idempotent(key: $key) {
        droplet { id name status }
        consistencyToken
        userErrors { field message code }
      }
    }
  `,
  { input, key: crypto.randomUUID() },
);
if (provisioned.error) throw provisioned.error; // The request failed: look at `extensions.code`.
const { droplet, consistencyToken, userErrors } = provisioned.data.provisionDroplet;
if (userErrors.length > 0) throw new Error(JSON.stringify(userErrors)); // A rule rejects it.

// 2. A query. With the mutation's token it shows the write.
const listed = await client.query(
  gql`
    query ($name: String!, $token: String!) {
      droplets(first: 20, filter: { name: $name }, consistentWith: $token) {
        totalCount
        nodes { id name status }
        pageInfo { hasNextPage endCursor }
      }
    }
  `,
  { name, token: consistencyToken },
);
if (listed.error) throw listed.error;
console.log('listed', listed.data.droplets.nodes[0].name);

// 3. A subscription that starts right after the mutation.
const changes = client.subscription(
  gql`
    subscription ($id: ID!, $after: String!) {
      dropletChanged(id: $id, after: $after) {
        cursor
        droplet { name status addresses { ip } }
      }
    }
  `,
  { id: droplet.id, after: consistencyToken },
);
changes.subscribe(({ data, error }) => {
  if (error) throw error;
  const { name, status, addresses } = data.dropletChanged.droplet;
  console.log(name, status, addresses.map(({ ip }: { ip: string }) => ip).join(' '));
});
