// Checks the examples of docs/frontends.md: the page contains them verbatim, they are well-typed, and each
// does what it says, also when its connection breaks, the name is taken, or the token is refused. Checks
// that the page explains every error code.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { check, headers, newDroplet, openRoad, url } from './check.mjs';

const document = readFileSync('frontends.md', 'utf8');
const node = [process.execPath, '--disable-warning=ExperimentalWarning'];

const send = async (query, variables) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()).data;
};

const find = async (name) => {
  const query = 'query ($name: String!) { droplets(first: 1, filter: { name: $name }) { nodes { id } } }';
  return (await send(query, { name })).droplets.nodes[0].id;
};

const provision = (input) => {
  const query = 'mutation ($input: ProvisionDropletInput!) { provisionDroplet(input: $input) { consistencyToken } }';
  return send(query, { input });
};

const rename = (id, name) => {
  const query = 'mutation ($input: RenameDropletInput!) { renameDroplet(input: $input) { consistencyToken } }';
  return send(query, { input: { id, name } });
};

/** Runs an example to its end; gives its exit status and what it printed. */
const run = (command, env = {}) => {
  const [program, ...args] = command;
  const example = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [example.stdout, example.stderr]) stream.on('data', (data) => (printed += data));
  return once(example, 'close').then(([status]) => ({ status, printed }));
};

/**
 * Runs an example until the droplet is active, cuts its connection, renames the droplet meanwhile, and
 * gives what the example printed about the droplet.
 */
const follow = async (command, name) => {
  const road = await openRoad();
  const [program, ...args] = command;
  const env = { ...process.env, CLUSTERGENIE_URL: road.origin };
  // In a group of its own, which ends with all that the example started.
  const example = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const said = [];
  try {
    for await (const line of createInterface(example.stdout)) {
      if (!line.includes(name)) continue;
      said.push(line.replace(/ ACTIVE.*/, ' ACTIVE').trim());
      if (line.includes(`${name} ACTIVE`)) {
        road.cut();
        const id = await find(name);
        await rename(id, `${name}-b`);
        await rename(id, `${name}-c`);
      }
      if (line.includes(`${name}-c`)) break;
    }
  } finally {
    process.kill(-example.pid, 'SIGKILL');
    road.close();
  }
  return said;
};

for (const file of readdirSync('examples').sort()) {
  await check(`${file} stands in docs/frontends.md as it is`, () => {
    const block = `\n${readFileSync(`examples/${file}`, 'utf8')}\`\`\`\n`;
    assert.ok(document.includes(block), 'copy the file into its block of code');
  });
}

for (const code of process.env.CONFORMANCE_CODES.split(/\s+/).filter(Boolean)) {
  await check(`docs/frontends.md explains ${code}`, () => {
    assert.ok(document.includes(`| \`${code}\``), 'add it to the table of codes');
  });
}

await check('the TypeScript is well-typed', () => {
  const compiler = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc'], { encoding: 'utf8' });
  assert.equal(compiler.status, 0, compiler.stdout);
});

for (const command of [
  [...node, 'examples/droplets.ts'],
  ['python/bin/python', 'examples/droplets.py'],
  ['bash', 'examples/droplets.sh'],
]) {
  await check(`${command.at(-1)} runs, and resumes`, async () => {
    const { name } = newDroplet();
    const said = await follow([...command, name], name);
    assert.deepEqual(said, [
      `listed ${name}`,
      `${name} ACTIVE`,
      `${name}-b ACTIVE`,
      `${name}-c ACTIVE`,
    ]);
  });

  await check(`${command.at(-1)} reports a rejection`, async () => {
    const input = newDroplet();
    await provision(input);
    const { status, printed } = await run([...command, input.name]);
    assert.notEqual(status, 0, printed);
    assert.match(printed, /NAME_TAKEN/);
  });
}

await check('examples/droplets.sh reports a refused token and ends', async () => {
  const command = ['bash', 'examples/droplets.sh', newDroplet().name];
  const { status, printed } = await run(command, { CLUSTERGENIE_TOKEN: 'not-a-token' });
  assert.notEqual(status, 0, printed);
  assert.match(printed, /failed: .*UNAUTHENTICATED/);
});

await check('examples/follow.ts reports a refused token and ends', async () => {
  const command = [...node, 'examples/follow.ts'];
  for (const [cursor, refused] of [[[], /UNAUTHENTICATED/], [['CURSOR'], /connection closed: 4403/]]) {
    const { status, printed } = await run([...command, ...cursor], { CLUSTERGENIE_TOKEN: 'not-a-token' });
    assert.notEqual(status, 0, printed);
    assert.match(printed, refused);
  }
});

await check('examples/follow.ts runs, and resumes', async () => {
  const { events } = await send('{ events(last: 1) { nodes { cursor } } }');
  const input = newDroplet();
  const { name } = input;
  await provision(input);
  const said = await follow([...node, 'examples/follow.ts', events.nodes[0].cursor], name);
  assert.deepEqual(said, [
    `DROPLET_REQUESTED ${name} REQUESTED`,
    `DROPLET_ACTIVATED ${name} ACTIVE`,
    `DROPLET_RENAMED ${name}-b ACTIVE`,
    `DROPLET_RENAMED ${name}-c ACTIVE`,
  ]);
});

process.exit();
