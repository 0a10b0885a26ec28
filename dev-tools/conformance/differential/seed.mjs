// The rows of the comparison: makes clusters, droplets and jobs in all statuses, of an organization of their
// own. All mutations of the suite are here.

import { isInputObjectType } from 'graphql';
import { post } from '../post.mjs';

const SIZES = ['s-1vcpu-1gb', 's-2vcpu-4gb', 'c-2'];
const REGIONS = ['nyc3', 'fra1', 'sgp1'];
const IMAGES = ['ubuntu-24-04-x64', 'debian-13-x64'];

// Several rows share a time, so that lists need their second key; decimals differ in number.
const TIMES = [
  '2026-01-05T08:00:00Z',
  '2026-01-05T08:00:00.5Z',
  '2026-01-05T08:00:00.25Z',
  '2026-02-01T00:00:00Z',
  '2026-02-01T00:00:00.000001Z',
];

/** Makes the rows, and returns the consistency token of the last write. */
export async function seed(schema) {
  let token;

  // Runs a mutation with one input, of whose fields those are sent that the schema has.
  async function run(mutation, input) {
    const field = schema.getMutationType().getFields()[mutation];
    const type = field.args.find(({ name }) => name === 'input').type.ofType;
    const known = Object.entries(input).filter(([name]) => isInputObjectType(type) && type.getFields()[name]);
    const what = ['droplet', 'job', 'cluster'].find((name) => `${field.type}`.toLowerCase().startsWith(name));
    const query = `mutation ($input: ${type.name}!) {
      ${mutation}(input: $input) { ${what} { id } consistencyToken userErrors { message } }
    }`;
    const { text, result } = await post({ query, variables: { input: Object.fromEntries(known) } });
    const payload = result.data?.[mutation];
    if (!payload?.[what]) throw new Error(`${mutation} failed: ${text}`);
    token = payload.consistencyToken;
    return payload[what].id;
  }

  // `target` is the form of newer schemas.
  const concerns = ({ droplet, cluster }) =>
    schema.getType('SubmitJobInput').getFields().target
      ? { target: droplet ? { droplet } : { clusterLabel: cluster } }
      : { droplet, clusterLabel: cluster };

  const clusters = {};
  for (const [name, input] of Object.entries({
    blue: { description: 'First "blue" \\ group\nof two lines', maximumNodes: 8 },
    green: { minimumNodes: 1 },
    amber: { description: 'ümlaut 漢 😀' },
    gone: {},
  })) {
    clusters[name] = await run('createCluster', { name, occurredAt: TIMES[0], ...input });
  }
  await run('describeCluster', { id: clusters.green, description: 'second', occurredAt: TIMES[1] });

  const droplets = [];
  const droplet = async (number, more) => {
    const id = await run('provisionDroplet', {
      name: `node-${String.fromCharCode(97 + ((number * 7) % 26))}${number}`,
      size: SIZES[number % 3],
      region: REGIONS[number % 2],
      image: IMAGES[number % 2],
      tags: ['web', 'db', 'a:b_c'].slice(number % 4),
      cluster: [clusters.blue, undefined, clusters.green][number % 3],
      provisioner: 'AGENT',
      occurredAt: TIMES[number % TIMES.length],
      ...more,
    });
    droplets.push(id);
    return id;
  };
  for (let number = 0; number < 13; number += 1) {
    const id = await droplet(number);
    const occurredAt = TIMES[3 + (number % 2)];
    if (number % 5 === 4) {
      await run('reportDropletFailed', { id, reason: `no capacity: "${number}"`, occurredAt });
    } else if (number % 3 !== 0) {
      const addresses = [
        { kind: 'PUBLIC', ip: `203.0.113.${number}` },
        { kind: 'PRIVATE', ip: 'fd00::1' },
      ];
      await run('reportDropletActive', { id, addresses: addresses.slice(number % 2), occurredAt });
    }
    if (number === 7) await run('protectDroplet', { id });
    if (number === 8) await run('renameDroplet', { id, name: 'renamed.example' });
    if (number === 10 || number === 11) await run('deleteDroplet', { id });
    if (number === 10) await run('reportDropletDeleted', { id });
  }
  for (const number of [20, 21]) await droplet(number, { provisioner: 'PLATFORM', occurredAt: undefined });

  for (let number = 0; number < 26; number += 1) {
    const id = await run('submitJob', {
      kind: ['batch', 'backup', 'resize_disk'][number % 3],
      ...concerns(
        number % 4 === 3 ? { cluster: ['blue', 'nowhere'][number % 2] } : { droplet: droplets[number % 9] },
      ),
      parameters: [
        undefined,
        { depth: number, deep: { list: [1, 'two', null, true, [], {}] } },
        { text: 'a"b\\c\n' },
      ][number % 3],
      runner: number === 25 ? 'PLATFORM' : 'AGENT',
      maxAttempts: 1 + (number % 3),
      occurredAt: number === 25 ? undefined : TIMES[number % TIMES.length],
    });
    if (number === 25 || number % 6 === 0) continue;
    if (number % 6 === 1) {
      await run('cancelJob', { id, reason: 'not needed' });
      continue;
    }
    await run('startJob', { id, worker: `worker-${number % 3}`, occurredAt: TIMES[4] });
    await run('reportJobProgress', {
      id,
      percent: number * 3,
      message: number % 2 ? `step ${number}` : undefined,
    });
    if (number % 6 === 2)
      await run('succeedJob', { id, result: [{ ok: true, rows: [1, 2] }, 'done', null, 7][number % 4] });
    if (number % 6 === 3) await run('failJob', { id, reason: 'disk "full"' });
  }

  await run('startClusterMaintenance', { id: clusters.amber });
  await run('deleteCluster', { id: clusters.gone });
  return token;
}
