// Compares the answers of the platform with those of the reference.

import { Kind, executeSync, getVariableValues, visit } from 'graphql';
import { codeOf, post } from '../post.mjs';
import { judge } from '../reference.mjs';

const INVALID = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED'];
const BEYOND_LIMITS = ['LIMIT_EXCEEDED', 'RATE_LIMITED', 'TOO_SLOW'];

/**
 * What the reference answers: `outcome` is
 * - `invalid`: the document is not valid;
 * - `refused`: the operation or the variables are wrong;
 * - `effect`: a mutation or a subscription would run, so that the document is not sent;
 * - `ran`: with `data` and `errors`.
 * `subscription` says that the request must be sent for a stream.
 */
export function expected({ schema, lenient }, { source, variables, operationName }) {
  const { valid, document, errors } = judge(schema, source);
  const operations = (document?.definitions ?? []).filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const operation = operationName
    ? operations.find(({ name }) => name?.value === operationName)
    : operations.length === 1 && operations[0];
  const subscription = operation?.operation === 'subscription';
  const no = (outcome, errors) => ({ outcome, subscription, errors: errors.map(({ message }) => message) });
  if (!valid) return no('invalid', errors);
  if (!operation) return no('refused', [{ message: 'which operation to run is not said' }]);
  const variableErrors = getVariableValues(
    schema,
    operation.variableDefinitions ?? [],
    variables ?? {},
  ).errors;
  if (variableErrors) return no('refused', variableErrors);
  if (operation.operation !== 'query') return { outcome: 'effect' };
  const conditioned = withoutNullConditions(document, variables);
  const run = (schema) => executeSync({ schema, document: conditioned, operationName, variableValues: variables });
  const { data, errors: failures = [] } = run(schema);
  return {
    outcome: 'ran',
    data: JSON.stringify(data),
    errors: failures.map(({ path, message }) => ({ path, message })),
    // The paths of all errors. Those above stop at the first error that makes the same place null.
    possible:
      failures.length === 0 ? [] : (run(lenient).errors ?? []).map(({ path }) => JSON.stringify(path)),
  };
}

// 6.3.2, Field Collection: a condition that is null is not true, so its selection is left out or not skipped.
// graphql-js fails there.
function withoutNullConditions(document, variables) {
  const condition = (argument) =>
    argument.value.kind === Kind.VARIABLE && variables?.[argument.value.name.value] === null
      ? { ...argument, value: { kind: Kind.BOOLEAN, value: false } }
      : argument;
  return visit(document, {
    Directive: (directive) =>
      ['skip', 'include'].includes(directive.name.value)
        ? { ...directive, arguments: directive.arguments.map(condition) }
        : undefined,
  });
}

/** What the platform answers, in the same form; `limited` if the request is beyond its limits. */
export async function answered({ source, variables, operationName }, subscription) {
  const { text, result } = await post({ query: source, variables, operationName }, { subscription });
  const code = codeOf(result);
  if (BEYOND_LIMITS.includes(code)) return { outcome: 'limited', text };
  if ('data' in result)
    return { outcome: 'ran', data: JSON.stringify(result.data), errors: result.errors ?? [], text };
  if (INVALID.includes(code)) return { outcome: 'invalid', code, text };
  return {
    outcome: ['BAD_USER_INPUT', 'BAD_REQUEST'].includes(code) ? 'refused' : `failed with ${code}`,
    text,
  };
}

/** The kind of the difference between two answers; undefined if there is none. */
export function difference(reference, platform) {
  if (platform.outcome === 'limited') return undefined;
  if (reference.outcome !== platform.outcome) return `${reference.outcome}, not ${platform.outcome}`;
  if (reference.outcome !== 'ran') return undefined;
  if (reference.data !== platform.data) {
    if (sorted(reference.data) === sorted(platform.data)) return 'order of keys';
    return reference.errors.length + platform.errors.length > 0 ? 'data with errors' : 'data';
  }
  // The text itself, so that a key that stands twice is found.
  if (!platform.text.includes(`"data":${reference.data}`)) return 'text of data';
  const [wanted, given] = [reference, platform].map(({ data, errors }) => nulls(JSON.parse(data), errors));
  if (wanted !== given) return 'places of errors';
  const paths = platform.errors.map(({ path }) => JSON.stringify(path));
  if (new Set(paths).size < paths.length) return 'an error twice';
  return paths.every((path) => reference.possible.includes(path)) ? undefined : 'paths of errors';
}

const sorted = (text) =>
  JSON.stringify(JSON.parse(text), (_, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort())
      : value,
  );

// The places that errors made null. Of several errors that make one place null, the specification does not
// say which are told.
function nulls(data, errors) {
  const places = errors.map(({ path }) => {
    let value = data;
    const place = [];
    for (const step of path ?? []) {
      if (value === null || value === undefined) break;
      place.push(step);
      value = value[step];
    }
    return JSON.stringify(place);
  });
  return JSON.stringify([...new Set(places)].sort());
}
