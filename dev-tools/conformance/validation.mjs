// The rules of validation, and the language, of the specification (edition of September 2025), each with
// valid and invalid documents over the SDL. The documents are in the directory `validation`, a file for each
// section.
//
// The verdict that a file gives must be the verdict of graphql-js, and the verdict of the platform over HTTP.
// The platform calls a document invalid if it answers without `data` and with the code of a parse error or a
// validation error. Documents are sent without variables. So a mutation or a subscription that is valid lacks
// a required variable: it is refused with another code, and does nothing. With an argument, only those
// documents are sent whose rule and name contain it.

import { readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Kind, getNamedType, getVariableValues } from 'graphql';
import { check } from './check.mjs';
import { codeOf, inParallel, post } from './post.mjs';
import { judge, readSchema } from './reference.mjs';

const INVALID = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED'];
// With these codes, the platform has judged the document and refuses the rest of the request.
const JUDGED = ['BAD_USER_INPUT', 'BAD_REQUEST', 'INVALID_CURSOR'];

const schema = readSchema();
const only = process.argv[2];

const verdict = (valid) => (valid ? 'valid' : 'invalid');

/** The type of this field of an input object, or nothing if the schema has no such field. */
function inputType(coordinate) {
  const [type, field] = coordinate.split('.');
  return getNamedType(schema.getType(type)?.getFields()[field]?.type);
}

async function ask(source) {
  const subscription = /^\s*("[^]*"\s*)?subscription\b/.test(source);
  const { result, text } = await post({ query: source }, { subscription });
  const code = codeOf(result);
  if ('data' in result || JUDGED.includes(code)) return { valid: true, text };
  if (INVALID.includes(code)) return { valid: false, text };
  throw new Error(`the platform gives no verdict: ${text}`);
}

// Whether a document can change something, or open a stream, when it is sent without variables.
function acts({ definitions }) {
  const operations = definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  // The platform must be told which of several operations to run.
  if (operations.length > 1 || operations[0]?.operation === 'query') return false;
  return !getVariableValues(schema, operations[0].variableDefinitions ?? [], {}).errors;
}

// `departs` names the section of the edition from which graphql-js departs, if it does.
async function compare(source, expected, departs) {
  const reference = judge(schema, source);
  if (departs) {
    if (reference.valid === expected) throw new Error('graphql-js does not depart any more: say so');
  } else if (reference.valid !== expected) {
    const messages = reference.errors.map(({ message }) => message).join('; ');
    throw new Error(`graphql-js calls it ${verdict(reference.valid)}: ${messages}`);
  }
  if (expected && acts(reference.document))
    throw new Error('the document would run: have it lack a variable');
  const { valid, text } = await ask(source);
  if (valid !== expected) throw new Error(`the platform calls it ${verdict(valid)}: ${text.slice(0, 300)}`);
}

const documents = [];
for (const file of readdirSync('validation').sort()) {
  const { default: rules } = await import(pathToFileURL(`validation/${file}`));
  for (const { rule, needs, valid, invalid, departs = {} } of rules) {
    const type = needs && inputType(needs);
    if (needs && !type) {
      console.log(`left out, because the schema has no ${needs}: ${rule}`);
      continue;
    }
    for (const [expected, sources] of [
      [true, valid],
      [false, invalid],
    ]) {
      for (const [name, source] of Object.entries(sources)) {
        const document = source.replaceAll('ONE_OF', type?.name);
        documents.push({ rule, name, source: document, expected, departs: departs[name] });
      }
    }
  }
}

await inParallel(
  documents.filter(({ rule, name }) => !only || `${rule}: ${name}`.includes(only)),
  ({ rule, name, source, expected, departs }) =>
    check(`${rule}: ${verdict(expected)}: ${name}`, () => compare(source, expected, departs)),
);

process.exit();
