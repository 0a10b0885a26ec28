// The client of `graphql-ws` against the WebSocket transport.

import assert from 'node:assert/strict';
import { CloseCode, createClient } from 'graphql-ws';
import { check, headers, newDroplet, openRoad, url } from './check.mjs';

const FOLLOW = `subscription ($id: ID, $after: String) {
  dropletChanged(id: $id, after: $after) { cursor event { type version } droplet { resourceId status } }
}`;
const PROVISION = `mutation ($input: ProvisionDropletInput!) {
  provisionDroplet(input: $input) { droplet { id name } consistencyToken userErrors { code field } }
}`;

const client = (settings = {}) =>
  createClient({ url, connectionParams: headers, retryAttempts: 0, ...settings });

const once = async (client, payload) => {
  for await (const result of client.iterate(payload)) return result;
  throw new Error('it ended without a result');
};

const provision = async (client) => {
  const { data } = await once(client, { query: PROVISION, variables: { input: newDroplet() } });
  assert.deepEqual(data.provisionDroplet.userErrors, []);
  return data.provisionDroplet;
};

const shared = client();

await check('a query', async () => {
  const { data } = await once(shared, { query: '{ platform { version } }' });
  assert.ok(data.platform.version);
});

await check('a query with variables and an operation name', async () => {
  const query = 'query A { counts { jobsByKind { kind } } } query B($id: ID!) { job(id: $id) { id } }';
  const { errors } = await once(shared, { query, operationName: 'B', variables: { id: 'none' } });
  assert.equal(errors[0].extensions.code, 'BAD_USER_INPUT');
});

await check('a mutation', async () => {
  const { droplet, consistencyToken } = await provision(shared);
  assert.ok(droplet.id && consistencyToken);
});

await check('a refused mutation has userErrors', async () => {
  const input = { ...newDroplet(), size: 'none' };
  const { data, errors } = await once(shared, { query: PROVISION, variables: { input } });
  assert.equal(errors, undefined);
  assert.deepEqual(data.provisionDroplet.userErrors, [{ code: 'UNKNOWN_SIZE', field: ['input', 'size'] }]);
});

await check('a subscription, from the request to the machine', async () => {
  const changes = shared.iterate({ query: FOLLOW, variables: { after: await position(shared) } });
  const mine = await provision(shared);
  const seen = [];
  for await (const { data } of changes) {
    const { event, droplet } = data.dropletChanged;
    if (droplet.resourceId === mine.droplet.id) seen.push([event.type, droplet.status]);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, [['DROPLET_REQUESTED', 'REQUESTED'], ['DROPLET_ACTIVATED', 'ACTIVE']]);
});

await check('many operations at once on one connection', async () => {
  const answers = Array.from({ length: 30 }, () => once(shared, { query: '{ catalogue { date } }' }));
  for (const { data } of await Promise.all(answers)) assert.ok(data.catalogue.date);
});

await check('a document that does not parse is an error', async () => {
  await rejects(once(shared, { query: '{' }), 'GRAPHQL_PARSE_FAILED');
});

await check('a document that does not fit the schema is an error', async () => {
  await rejects(once(shared, { query: '{ nothing }' }), 'GRAPHQL_VALIDATION_FAILED');
});

await check('variables that do not fit are an error', async () => {
  await rejects(once(shared, { query: 'query ($id: ID!) { job(id: $id) { id } }' }), 'BAD_USER_INPUT');
});

await check('a cursor that is none ends a subscription with INVALID_CURSOR', async () => {
  const payload = { query: FOLLOW, variables: { after: 'none' } };
  const answer = await once(shared, payload).then((result) => result.errors, (errors) => errors);
  assert.equal(answer[0].extensions.code, 'INVALID_CURSOR');
});

await check('a wrong token is refused with 4403', async () => {
  const stranger = client({ connectionParams: { authorization: 'Bearer wrong' } });
  await closes(stranger, CloseCode.Forbidden);
});

await check('no token is refused with 4403', async () => {
  await closes(client({ connectionParams: undefined }), CloseCode.Forbidden);
});

await check('another subprotocol is refused', async () => {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-ws');
  const [opened] = await Promise.race(
    ['open', 'error'].map((name) => new Promise((done) => socket.addEventListener(name, () => done([name])))),
  );
  assert.equal(opened, 'error');
});

await check('the client stops a subscription and the connection lives on', async () => {
  const changes = shared.iterate({ query: FOLLOW });
  const waiting = changes.next();
  await changes.return();
  await waiting;
  assert.ok((await once(shared, { query: '{ __typename }' })).data);
});

await check('the server answers pings', async () => {
  let pong;
  const answered = new Promise((resolve) => (pong = resolve));
  const pinging = client({ keepAlive: 50, lazy: false, on: { pong: (received) => received && pong() } });
  await answered;
  await pinging.dispose();
});

await check('after a lost connection it resumes without loss or repetition', async () => {
  const road = await openRoad();
  const after = await position(shared);
  const { droplet } = await provision(shared);
  const variables = { id: droplet.id, after };
  // The client sends the same payload again when it reconnects, with the cursor of that moment.
  const payload = { query: FOLLOW, variables };
  let connections = 0;
  const follower = client({
    url: road.url,
    retryAttempts: 5,
    retryWait: async () => {},
    shouldRetry: () => true,
    on: { connected: () => connections++ },
  });
  const versions = [];
  for await (const { data } of follower.iterate(payload)) {
    const { cursor, event } = data.dropletChanged;
    versions.push(Number(event.version));
    variables.after = cursor;
    if (event.version === '1') {
      // What happens while nobody is connected must come too.
      road.cut();
      await rename(shared, droplet);
      await rename(shared, droplet);
    }
    if (versions.length === 4) break;
  }
  assert.deepEqual(versions, [1, 2, 3, 4]);
  assert.ok(connections >= 2, `it connected ${connections} times`);
  await follower.dispose();
  road.close();
});

process.exit();

/** A cursor before everything that is yet to happen. */
async function position(client) {
  const { data } = await once(client, { query: '{ events(last: 1) { nodes { cursor } } }' });
  return data.events.nodes[0].cursor;
}

async function rename(client, { id }) {
  const query = `mutation ($input: RenameDropletInput!) {
    renameDroplet(input: $input) { userErrors { code } }
  }`;
  const variables = { input: { id, name: newDroplet().name } };
  const { data } = await once(client, { query, variables });
  assert.deepEqual(data.renameDroplet.userErrors, []);
}

async function rejects(promise, code) {
  const errors = await promise.then(
    () => assert.fail('it was not refused by a message `error`'),
    (errors) => errors,
  );
  assert.equal(errors[0].extensions.code, code);
}

async function closes(client, code) {
  const close = await once(client, { query: '{ __typename }' }).then(
    () => assert.fail('it was let in'),
    (event) => event,
  );
  assert.equal(close.code, code);
}
