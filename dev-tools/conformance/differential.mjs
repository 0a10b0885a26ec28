// Compares the platform with graphql-js on random documents: differential.mjs [COUNT] [SEED] [INDEX].
//
// Makes rows by mutations, reads them once through the platform, and gives them to naive resolvers of
// graphql-js. Then sends random documents with random variables, right and broken ones, and compares
// - the verdict: an invalid document, wrong variables, or an answer;
// - the answer: the text of `data` with the order of its keys, and the places that errors made null.
// With an INDEX, runs only this document of the seed. With DIFFERENCES=all, counts all differences by kind.

import { print } from 'graphql';
import { breakTokens, breaker, rewrite } from './differential/breakage.mjs';
import { answered, difference, expected } from './differential/compare.mjs';
import { documentMaker } from './differential/documents.mjs';
import { chooser } from './differential/random.mjs';
import { resolveFrom } from './differential/resolvers.mjs';
import { readRows, readStableRows, textOf } from './differential/rows.mjs';
import { seed as makeRows } from './differential/seed.mjs';
import { shrink } from './differential/shrink.mjs';
import { breakVariables, poolsOf } from './differential/values.mjs';
import { inParallel } from './post.mjs';
import { brokenRules, judge, readSchema } from './reference.mjs';

const COUNT = Number(process.argv[2] || 10_000);
const SEED = Number(process.argv[3] || Math.floor(Math.random() * 1e9));
const ONLY = process.argv[4];
const ALL = process.env.DIFFERENCES === 'all';

const MOST_DIFFERENCES = 10;
// Of documents beyond the limits of the platform, which say nothing, there may be this share.
const MOST_LIMITED = 0.03;

const say = (passed, name, details = '') => {
  console.log(`${passed ? 'ok' : 'not ok'} - ${name}${details}`);
  if (!passed) process.exitCode = 1;
};

console.log(`${COUNT} documents, seed ${SEED}`);
const schema = readSchema();
const token = await makeRows(schema);
const rows = await readStableRows(schema, token);
const { covered, notCovered } = resolveFrom(schema, rows, token);
const lenient = readSchema({ lenient: true });
resolveFrom(lenient, rows, token);
const sizes = [...rows.lists].map(([name, { length }]) => `${length} ${name}`);
console.log(`rows: ${rows.nodes.size} nodes, lists of ${sizes.join(', ')}`);
say(
  rows.disorder.length === 0,
  'lists are in their orders',
  rows.disorder.map((what) => `\n    ${what}`).join(''),
);
console.log(`not compared: ${notCovered.join(', ') || 'nothing'}`);

const make = documentMaker(schema, { covered }, poolsOf(rows, token));
const breakDocument = breaker(schema);

/** The request of this number: a document that is right, or has faults, with variables that are or have. */
function request(index) {
  const random = chooser(SEED, index);
  let { document, variables, operationName } = make(random);
  const faults = [];
  for (let more = random.chance(0.4); more; more = random.chance(0.2)) {
    const broken = breakDocument(random, document);
    document = broken.document;
    faults.push(broken.fault);
  }
  let source = print(document);
  if (random.chance(0.15)) source = rewrite(random, source);
  if (random.chance(0.05)) source = breakTokens(random, source);
  if (random.chance(0.25)) variables = breakVariables(random, variables);
  return { index, faults, source, variables: JSON.parse(JSON.stringify(variables)), operationName };
}

async function compare(one) {
  const reference = expected({ schema, lenient }, one);
  if (reference.outcome === 'effect') return { reference };
  const platform = await answered(one, reference.subscription).catch((error) => ({
    outcome: 'failed',
    text: error.message,
  }));
  return { reference, platform, kind: difference(reference, platform) };
}

/** The kind of a difference, with the rules that the document breaks, or with the code of the platform. */
function kindOf({ kind, reference, platform }, { source }) {
  if (reference.outcome === 'invalid')
    return `${kind}: ${brokenRules(schema, judge(schema, source)).join(', ')}`;
  return platform.code ? `${kind}: ${platform.code}` : kind;
}

async function report(one, found) {
  const kind = kindOf(found, one);
  const small = await shrink(one, async (next) => {
    const again = await compare(next);
    return again.kind !== undefined && kindOf(again, next) === kind;
  });
  const again = await compare(small);
  const shown = again.kind === found.kind ? again : found;
  say(false, `document ${one.index} of seed ${SEED}`, `: ${kindOf(found, one)}`);
  console.log(`    faults: ${one.faults.join(', ') || 'none'}`);
  console.log(small.source.replace(/^/gm, '    '));
  console.log(`    variables: ${JSON.stringify(small.variables)} operation: ${small.operationName}`);
  console.log(`    reference: ${JSON.stringify(shown.reference).slice(0, 1500)}`);
  console.log(`    platform: ${shown.platform.outcome} ${shown.platform.text.slice(0, 1500)}\n`);
}

const outcomes = {};
const kinds = {};
let differences = 0;
let compared = 0;
const began = performance.now();
const indices = ONLY === undefined ? Array.from({ length: COUNT }, (_, index) => index) : [Number(ONLY)];

await inParallel(indices, async (index) => {
  if (differences >= MOST_DIFFERENCES && !ALL) return false;
  const one = request(index);
  if (ONLY !== undefined) console.log(JSON.stringify(one), '\n', one.source);
  const found = await compare(one);
  const outcome = found.platform?.outcome === 'limited' ? 'beyond limits' : found.reference.outcome;
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  if (outcome === 'ran' && found.reference.errors.length > 0)
    outcomes['ran with errors'] = (outcomes['ran with errors'] ?? 0) + 1;
  compared += 1;
  if (!found.kind) return true;
  differences += 1;
  const kind = kindOf(found, one);
  (kinds[kind] ??= []).push(index);
  if (!ALL && differences <= MOST_DIFFERENCES) await report(one, found);
  return true;
});

const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(
  `${compared} documents in ${seconds} s: ${Object.entries(outcomes)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')}`,
);
for (const [kind, found] of Object.entries(kinds).sort(([, one], [, other]) => other.length - one.length)) {
  console.log(`    ${found.length} ${kind}, such as ${found.slice(0, 3).join(', ')}`);
}
say(
  differences === 0,
  `seed ${SEED}: ${compared} documents are answered as by graphql-js`,
  differences ? `: ${differences} are not` : '',
);
say((outcomes['beyond limits'] ?? 0) <= MOST_LIMITED * compared, 'the documents are within the limits');
say(textOf(await readRows(schema, token)) === textOf(rows), 'the rows stayed as they were');
process.exit();
