// The client of `graphql-sse`, in its mode of distinct connections, against server-sent events.

import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';
import { check, headers, newDroplet, openRoad, url } from './check.mjs';

const FOLLOW = `subscription ($id: ID, $after: String) {
  dropletChanged(id: $id, after: $after) { cursor event { type version } droplet { resourceId status } }
}`;
const PROVISION = `mutation ($input: ProvisionDropletInput!) {
  provisionDroplet(input: $input) { droplet { id } consistencyToken userErrors { code field } }
}`;

const client = (settings = {}) => createClient({ url, headers, retryAttempts: 0, ...settings });
const shared = client();

const once = async (client, payload) => {
  for await (const result of client.iterate(payload)) return result;
  throw new Error('it ended without a result');
};

const provision = async () => {
  const { data } = await once(shared, { query: PROVISION, variables: { input: newDroplet() } });
  assert.deepEqual(data.provisionDroplet.userErrors, []);
  return data.provisionDroplet.droplet;
};

const position = async () => {
  const { data } = await once(shared, { query: '{ events(last: 1) { nodes { cursor } } }' });
  return data.events.nodes[0]?.cursor;
};

const code = async (payload) => (await once(shared, payload)).errors[0].extensions.code;

await check('a query', async () => {
  const { data } = await once(shared, { query: '{ platform { version } }' });
  assert.ok(data.platform.version);
});

await check('a query ends after its result', async () => {
  const results = [];
  for await (const { data } of shared.iterate({ query: '{ __typename }' })) results.push(data);
  assert.deepEqual(results, [{ __typename: 'Query' }]);
});

await check('a mutation', async () => {
  assert.ok((await provision()).id);
});

await check('a refused mutation has userErrors', async () => {
  const input = { ...newDroplet(), region: 'none' };
  const { data } = await once(shared, { query: PROVISION, variables: { input } });
  assert.deepEqual(data.provisionDroplet.userErrors, [
    { code: 'UNKNOWN_REGION', field: ['input', 'region'] },
  ]);
});

await check('a subscription, from the request to the machine', async () => {
  const changes = shared.iterate({ query: FOLLOW, variables: { after: await position() } });
  const mine = await provision();
  const seen = [];
  for await (const { data } of changes) {
    const { event, droplet } = data.dropletChanged;
    if (droplet.resourceId === mine.id) seen.push([event.type, droplet.status]);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, [['DROPLET_REQUESTED', 'REQUESTED'], ['DROPLET_ACTIVATED', 'ACTIVE']]);
});

await check('twenty streams at once', async () => {
  const after = await position();
  const { id } = await provision();
  const payload = { query: FOLLOW, variables: { id, after } };
  const firsts = await Promise.all(Array.from({ length: 20 }, () => once(shared, payload)));
  for (const { data } of firsts) assert.equal(data.dropletChanged.event.version, '1');
});

await check('errors come as results, with their codes', async () => {
  assert.equal(await code({ query: '{' }), 'GRAPHQL_PARSE_FAILED');
  assert.equal(await code({ query: '{ nothing }' }), 'GRAPHQL_VALIDATION_FAILED');
  assert.equal(await code({ query: 'query ($id: ID!) { job(id: $id) { id } }' }), 'BAD_USER_INPUT');
  assert.equal(await code({ query: FOLLOW, variables: { after: 'none' } }), 'INVALID_CURSOR');
});

await check('a wrong token is refused with 401', async () => {
  const stranger = client({ headers: { authorization: 'Bearer wrong' } });
  const error = await once(stranger, { query: '{ __typename }' }).then(
    () => assert.fail('it was let in'),
    (error) => error,
  );
  assert.equal(error.response?.status, 401);
});

await check('after a lost connection it resumes without loss or repetition', async () => {
  const road = await openRoad();
  const after = await position();
  const { id } = await provision();
  // The client sends the same payload again when it reconnects, with the cursor of that moment.
  const variables = { id, after };
  let connections = 0;
  const follower = client({
    url: road.url,
    retryAttempts: 5,
    retry: async () => {},
    on: { connected: () => connections++ },
  });
  const versions = [];
  for await (const { data } of follower.iterate({ query: FOLLOW, variables })) {
    const { cursor, event } = data.dropletChanged;
    versions.push(Number(event.version));
    variables.after = cursor;
    if (event.version === '1') {
      // What happens while nobody is connected must come too.
      road.cut();
      await rename(id);
      await rename(id);
    }
    if (versions.length === 4) break;
  }
  assert.deepEqual(versions, [1, 2, 3, 4]);
  assert.ok(connections >= 2, `it connected ${connections} times`);
  road.close();
});

process.exit();

async function rename(id) {
  const query = `mutation ($input: RenameDropletInput!) {
    renameDroplet(input: $input) { userErrors { code } }
  }`;
  const variables = { input: { id, name: newDroplet().name } };
  const { data } = await once(shared, { query, variables });
  assert.deepEqual(data.renameDroplet.userErrors, []);
}
