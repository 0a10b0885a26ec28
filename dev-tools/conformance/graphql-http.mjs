// The audits of `graphql-http` for GraphQL over HTTP, all of them: MUST, SHOULD and MAY.
//
// With the argument `fields` they run a second way: their documents ask for `__typename` and
// `__type`, and these are replaced by ordinary fields, so that it is the executor and not the
// introspection which answers. The platform has no switch that turns introspection off.

import { serverAudits } from 'graphql-http';
import { check, headers, url } from './check.mjs';

const ordinary = (document) =>
  document
    .replace('mutation { __typename }', 'mutation { cancelJob(input: {id: "none", reason: ""}) { consistencyToken } }')
    .replace('__typename', 'counts { jobsByStatus { count } }')
    .replace(/__type\(name: (.*?)\) { name }/, 'droplets(first: 1, filter: {name: $1}) { nodes { name } }');

const rewritten = (address, { body, ...init }) => {
  const target = new URL(address);
  const document = target.searchParams.get('query');
  if (document) target.searchParams.set('query', ordinary(document));
  try {
    const params = JSON.parse(body);
    if (typeof params.query === 'string') params.query = ordinary(params.query);
    return [target, { ...init, body: JSON.stringify(params) }];
  } catch {
    // No body, or one that is not meant to be JSON.
    return [target, { ...init, body }];
  }
};

const fetchFn = (address, init = {}) => {
  const signed = { ...init, headers: { ...init.headers, ...headers } };
  return fetch(...(process.argv[2] === 'fields' ? rewritten(address, signed) : [address, signed]));
};

for (const audit of serverAudits({ url, fetchFn })) {
  await check(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    if (result.status !== 'ok') throw new Error(result.reason);
  });
}

process.exit();
