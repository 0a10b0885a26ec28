// Sends GraphQL over HTTP: many requests at a time, over connections that stay open.

import { Agent, request } from 'node:http';

import { headers, url } from './check.mjs';

/** The requests that are in flight at the same time. */
export const IN_FLIGHT = 12;

const JSON_RESPONSE = 'application/graphql-response+json';
const EVENTS = 'text/event-stream';
const { hostname, port, pathname } = new URL(url);
const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });

// The longest time to an answer, and to the first event of a stream, in milliseconds.
const PATIENCE = { [JSON_RESPONSE]: 15_000, [EVENTS]: 3_000 };

/**
 * Sends a request of the fields `query`, `variables` and `operationName`, and returns the text of its result
 * and the result. A subscription is sent for its first event, because only streams carry subscriptions.
 */
export async function post(body, { token = headers.authorization, subscription = false, more = {} } = {}) {
  const text = await send(JSON.stringify(body), {
    authorization: token,
    accept: subscription ? EVENTS : JSON_RESPONSE,
    'content-type': 'application/json',
    ...more,
  });
  const result = subscription && !text.startsWith('{') ? (/^data: (\{.*)$/m.exec(text)?.[1] ?? '') : text;
  try {
    return { text: result, result: JSON.parse(result) };
  } catch {
    throw new Error(`the answer is not JSON: ${JSON.stringify(text.slice(0, 200))}`);
  }
}

/** Calls a function for each item, so many at a time, until it returns false. */
export async function inParallel(items, body) {
  const rest = items[Symbol.iterator]();
  let going = true;
  const work = async () => {
    for (let next = rest.next(); going && !next.done; next = rest.next()) {
      if ((await body(next.value)) === false) going = false;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}

/** The code of the first error of a result. */
export const codeOf = ({ errors }) => errors?.[0]?.extensions?.code;

function send(body, headers) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const length = Buffer.byteLength(body);
  const options = { agent, hostname, port, path: pathname, method: 'POST' };
  const sent = request({ ...options, headers: { ...headers, 'content-length': length } }, (response) => {
    const chunks = [];
    response.on('data', (chunk) => {
      chunks.push(chunk);
      // A stream that began would not end by itself.
      if (headers.accept === EVENTS && String(chunk).includes('event: next')) {
        resolve(Buffer.concat(chunks).toString());
        sent.destroy();
      }
    });
    response.on('end', () => resolve(Buffer.concat(chunks).toString()));
    response.on('error', reject);
    response.on('close', () => reject(new Error('the answer was cut off')));
  });
  sent.on('error', reject);
  const patience = PATIENCE[headers.accept];
  const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${patience / 1000} s`)), patience);
  sent.end(body);
  return promise.finally(() => clearTimeout(timer));
}
