// What the suites share: the platform that is checked, and one line for each check, by which
// dev-tools/conformance.sh counts them.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** The address of the GraphQL endpoint. */
export const url = `${process.env.CLUSTERGENIE_URL}/graphql`;

/** The headers that say who asks. */
export const headers = { authorization: `Bearer ${process.env.CLUSTERGENIE_TOKEN}` };

/** Input of `provisionDroplet` with a name that no other droplet has. */
export const newDroplet = () => ({
  name: `check-${process.pid}-${++droplets}`,
  size: 's-1vcpu-1gb',
  region: 'nyc3',
  image: 'ubuntu-24-04-x64',
});
let droplets = 0;

/** Runs a check, which passes unless it throws or takes longer than 15 s, and says how it went. */
export async function check(name, body) {
  const late = Promise.withResolvers();
  const timer = setTimeout(() => late.reject(new Error('it took longer than 15 s')), 15_000);
  try {
    await Promise.race([body(), late.promise]);
    console.log(`ok - ${name}`);
  } catch (error) {
    console.log(`not ok - ${name}: ${error?.message ?? JSON.stringify(error)}`);
    process.exitCode = 1;
  } finally {
    clearTimeout(timer);
  }
}

/** A way to the platform that can be cut: `cut` breaks every connection, as a lost network does. */
export async function openRoad() {
  const { hostname, port, pathname } = new URL(url);
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [socket, other] of [[near, far], [far, near]]) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket) && other.destroy());
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const cut = () => sockets.forEach((socket) => socket.resetAndDestroy());
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    url: `http://127.0.0.1:${server.address().port}${pathname}`,
    cut,
    close: () => {
      server.close();
      cut();
    },
  };
}
