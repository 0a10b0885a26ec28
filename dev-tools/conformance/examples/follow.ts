// Follows droplets over a WebSocket with `graphql-ws`, and resumes after a lost connection.
// Run it: CLUSTERGENIE_URL=http://127.0.0.1:8085 CLUSTERGENIE_TOKEN=... node follow.ts [CURSOR]
import { createClient } from 'graphql-ws';

type Change = { cursor: string; event: { type: string }; droplet: { name: string; status: string } };
type Closed = { code?: number; reason?: string };

const client = createClient({
  url: `${process.env.CLUSTERGENIE_URL}/graphql`,
  // Called for every connection, so that a program can pass a new token here.
  connectionParams: async () => ({ authorization: `Bearer ${process.env.CLUSTERGENIE_TOKEN}` }),
  retryAttempts: Infinity,
  // A refused token (4403) stays refused. Everything else passes by waiting.
  shouldRetry: (closed) => (closed as Closed).code !== 4403,
  on: {
    error: () => console.error('the connection failed; retrying'),
    closed: (event) => {
      const { code, reason } = event as Closed;
      console.error('connection closed:', code, reason);
    },
  },
});

// The client sends these variables again when it reconnects, with the values of that moment.
const variables = { after: process.argv[2] };
const query = `subscription ($after: String) {
  dropletChanged(after: $after) { cursor event { type } droplet { name status } }
}`;

for await (const { data, errors } of client.iterate<{ dropletChanged: Change }>({ query, variables })) {
  if (!data) throw new Error(JSON.stringify(errors));
  const { cursor, event, droplet } = data.dropletChanged;
  console.log(event.type, droplet.name, droplet.status);
  // Store the cursor durably, and even a restart of this program loses nothing.
  variables.after = cursor;
}
