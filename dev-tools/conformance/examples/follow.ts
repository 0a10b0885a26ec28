// Follows droplets over a WebSocket with `graphql-ws`, and goes on where it was when the connection
// was lost. Run it: CLUSTERGENIE_URL=http://127.0.0.1:8085 CLUSTERGENIE_TOKEN=... node follow.ts [CURSOR]
import { createClient } from 'graphql-ws';

type Change = { cursor: string; event: { type: string }; droplet: { name: string; status: string } };

const client = createClient({
  url: `${process.env.CLUSTERGENIE_URL}/graphql`,
  // Asked for at every connection, so a new token is used once the old one has ended.
  connectionParams: async () => ({ authorization: `Bearer ${process.env.CLUSTERGENIE_TOKEN}` }),
  retryAttempts: Infinity,
  shouldRetry: () => true,
});

// The client sends these variables again when it reconnects: as they are then, not as they were.
const variables = { after: process.argv[2] };
const query = `subscription ($after: String) {
  dropletChanged(after: $after) { cursor event { type } droplet { name status } }
}`;

for await (const { data, errors } of client.iterate<{ dropletChanged: Change }>({ query, variables })) {
  if (!data) throw new Error(JSON.stringify(errors));
  const { cursor, event, droplet } = data.dropletChanged;
  console.log(event.type, droplet.name, droplet.status);
  // Keep it where the page or the program finds it again, and not even a restart loses anything.
  variables.after = cursor;
}
