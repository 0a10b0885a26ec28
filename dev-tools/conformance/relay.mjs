// The compiler of Relay over a fragment with `@connection` and `@refetchable` for every connection of
// the schema, and the queries that it makes of them, sent to the platform page by page.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { check, headers, newDroplet, url } from './check.mjs';

const send = async (text, variables, after = {}) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, ...after, 'content-type': 'application/json' },
    body: JSON.stringify({ query: text, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
};

// Waits until every read model shows a write.
const shown = ({ consistencyToken }) =>
  send(
    `{
      clusters(first: 1) { totalCount }
      droplets(first: 1) { totalCount }
      jobs(first: 1) { totalCount }
      activity(first: 1) { pageInfo { hasNextPage } }
    }`,
    {},
    { 'x-consistency-token': consistencyToken },
  );

// Things go on while they are paged through, but between the places of two edges nothing moves.
const place = ({ edges }) => edges[0].cursor;

const artifact = async (name) =>
  (await import(`./relay/artifacts/${name}.graphql.js`)).default.params.text;

await check('the compiler takes the schema and all fragments', () => {
  mkdirSync('relay/artifacts', { recursive: true });
  const compiler = spawnSync('../node_modules/.bin/relay-compiler', ['relay.config.json'], {
    cwd: 'relay',
    encoding: 'utf8',
  });
  assert.equal(compiler.status, 0, compiler.stdout + compiler.stderr);
});

await check('every connection of the schema has its fragment', () => {
  const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
  const connections = Object.values(schema.getQueryType().getFields())
    .filter(({ type }) => String(type).endsWith('Connection!'))
    .map(({ name }) => name);
  assert.deepEqual(connections.sort(), ['activity', 'clusters', 'commands', 'droplets', 'events', 'jobs']);
});

await check('a mutation with @prependNode', async () => {
  const text = await artifact('DropletsAddedMutation');
  for (let added = 0; added < 3; added++) {
    const { provisionDroplet } = await send(text, { input: newDroplet() });
    assert.deepEqual(provisionDroplet.userErrors, []);
    await shown(provisionDroplet);
  }
});

await check('clusters to page through', async () => {
  const text = `mutation Created($input: CreateClusterInput!) {
    createCluster(input: $input) { consistencyToken userErrors { code } }
  }`;
  for (let added = 0; added < 3; added++) {
    const input = { name: newDroplet().name, minimumNodes: 0, maximumNodes: 3 };
    const { createCluster } = await send(text, { input });
    assert.deepEqual(createCluster.userErrors, []);
    await shown(createCluster);
  }
});

for (const [query, field] of [
  ['ClustersPageQuery', 'clusters'],
  ['DropletsPageQuery', 'droplets'],
  ['JobsPageQuery', 'jobs'],
  ['ActivityPageQuery', 'activity'],
  ['EventsPageQuery', 'events'],
  ['CommandsPageQuery', 'commands'],
]) {
  await check(`${query} pages forwards, and back`, async () => {
    const text = await artifact(query);
    const one = (await send(text, { first: 1 }))[field];
    assert.equal(one.pageInfo.hasNextPage, true);
    const two = (await send(text, { first: 1, after: one.pageInfo.endCursor }))[field];
    assert.notEqual(place(two), place(one));
    const back = (await send(text, { last: 1, before: place(two) }))[field];
    assert.equal(place(back), place(one));
  });
  await check(`${query} pages backwards, and forth`, async () => {
    // The compiler asks only for what the direction of its fragment needs.
    const forwards = await artifact(query);
    const text = forwards.replace('hasNextPage', 'hasPreviousPage startCursor');
    const two = (await send(text, { last: 1 }))[field];
    assert.equal(two.pageInfo.hasPreviousPage, true);
    const one = (await send(text, { last: 1, before: two.pageInfo.startCursor }))[field];
    assert.notEqual(place(one), place(two));
    const forth = (await send(text, { first: 1, after: place(one) }))[field];
    assert.equal(place(forth), place(two));
  });
}

for (const [query, page, field] of [
  ['ClustersRowQuery', 'ClustersPageQuery', 'clusters'],
  ['DropletsRowQuery', 'DropletsPageQuery', 'droplets'],
  ['JobsRowQuery', 'JobsPageQuery', 'jobs'],
]) {
  await check(`${query} fetches a node again by its id`, async () => {
    const { node } = (await send(await artifact(page), { first: 1 }))[field].edges[0];
    const again = (await send(await artifact(query), { id: node.id })).node;
    assert.equal(again.id, node.id);
    assert.equal(again.__typename, node.__typename);
  });
}

process.exit();
