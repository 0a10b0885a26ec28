// `graphql-inspector`: the example documents fit the schema, and the schema breaks no client of the
// last release. A release's schema is kept as schema/graphql/released/VERSION.graphql.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { check } from './check.mjs';

const SCHEMA = 'schema.graphql';

const inspect = (...args) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/@graphql-inspector/cli/cjs/index.js', ...args],
    { encoding: 'utf8' },
  );
  return { passed: status === 0, said: stdout + stderr };
};

const passes = ({ passed, said }) => assert.ok(passed, said);

// A check that cannot fail holds nothing: what must be found is tried on a changed schema.
const finds = ({ passed, said }, what) => {
  assert.equal(passed, false, said);
  assert.match(said, what);
};

const changed = (name, from, to) => {
  const schema = readFileSync(SCHEMA, 'utf8');
  const result = schema.replace(from, to);
  assert.notEqual(result, schema, 'the schema has no such line any more');
  mkdirSync('changed', { recursive: true });
  writeFileSync(`changed/${name}.graphql`, result);
  return `changed/${name}.graphql`;
};

for (const name of readdirSync('documents')) {
  await check(`${name} fits the schema`, () => passes(inspect('validate', `documents/${name}`, SCHEMA)));
}

await check('a document that does not fit is found', () => {
  const schema = changed('renamed', /(type DropletConnection [^]*?)totalCount: Int!/, '$1total: Int!');
  finds(inspect('validate', 'documents/queries.graphql', schema), /totalCount/);
});

await check('the schema breaks nothing of itself', () => passes(inspect('diff', SCHEMA, SCHEMA)));

await check('a new nullable field breaks nothing', () => {
  const schema = changed('wider', 'type Droplet implements Node {', '$&\n\tnick: String');
  passes(inspect('diff', SCHEMA, schema));
});

for (const [name, from, to, what] of [
  ['field-removed', 'failureReason: String', 'reason: String', /failureReason/],
  ['value-removed', '\tFAILED\n', '\tBROKEN\n', /FAILED/],
  ['result-nullable', 'priceHourly: Money!', 'priceHourly: Money', /priceHourly/],
  ['argument-required', 'worker: String!\n', '$&\thost: String!\n', /host/],
]) {
  await check(`a breaking change is found: ${name}`, () =>
    finds(inspect('diff', SCHEMA, changed(name, from, to)), new RegExp(`${what.source}[^]*breaking`)),
  );
}

const released = readdirSync('released')
  .filter((file) => file.endsWith('.graphql'))
  .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  .at(-1);
if (released) {
  await check(`it breaks no client of release ${released}`, () =>
    passes(inspect('diff', `released/${released}`, SCHEMA)),
  );
} else {
  console.log('there is no released schema to compare with yet');
}

process.exit();
