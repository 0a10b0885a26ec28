// Lists droplets, follows them over a WebSocket with `graphql-ws`, and resumes after a lost connection.
// Run it: CLUSTERGENIE_URL=http://127.0.0.1:8085 CLUSTERGENIE_TOKEN=... node follow.ts [CURSOR]
import { createClient } from 'graphql-ws';

const url = `${process.env.CLUSTERGENIE_URL}/graphql`;
// A program that runs longer than its token gets a new one here.
const authorization = async () => `Bearer ${process.env.CLUSTERGENIE_TOKEN}`;

type Change = { cursor: string; event: { type: string }; droplet: { name: string; status: string } };
type Closed = { code?: number; reason?: string };

const client = createClient({
  url,
  // The library calls this for every connection.
  connectionParams: async () => ({ authorization: await authorization() }),
  retryAttempts: Infinity,
  // A token that expired meanwhile is replaced; one that is refused (4403 too) stays refused. Everything else
  // passes by waiting.
  shouldRetry: (closed) => {
    const { code, reason } = closed as Closed;
    return code !== 4403 || (reason ?? '').startsWith('the token expired');
  },
  on: {
    error: () => console.error('the connection failed; retrying'),
    closed: (event) => {
      const { code, reason } = event as Closed;
      console.error('connection closed:', code, reason);
    },
  },
});

/** Prints the first page of droplets, and returns the position that it shows. */
const list = async (): Promise<string> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: await authorization(), 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ droplets(first: 100) { asOf nodes { name status } } }' }),
  });
  const { data, errors } = (await response.json()) as any;
  if (!data) throw new Error(JSON.stringify(errors));
  for (const { name, status } of data.droplets.nodes) console.log('LISTED', name, status);
  return data.droplets.asOf;
};

// The client sends these variables again when it reconnects, with the values of that moment. Without `after`, it
// would lose what happens between a lost connection and the first change.
const variables = { after: process.argv[2] ?? (await list()) };
const query = `subscription ($after: String!) {
  dropletChanged(after: $after) { cursor event { type } droplet { name status } }
}`;

for await (const { data, errors } of client.iterate<{ dropletChanged: Change }>({ query, variables })) {
  if (!data) throw new Error(JSON.stringify(errors));
  const { cursor, event, droplet } = data.dropletChanged;
  console.log(event.type, droplet.name, droplet.status);
  // Store the cursor durably, and even a restart of this program loses nothing.
  variables.after = cursor;
}
