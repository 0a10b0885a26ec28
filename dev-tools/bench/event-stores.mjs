// Appends by event stores for Node.js, as their documentations show it: one call for each event, with the version that
// the stream is expected to have. Prints the number of accepted events, of conflicts, and the seconds.

import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql";
import pg from "pg";

const [peer, url, work, callers, seconds] = process.argv.slice(2);

// As many connections as the default of neither is changed for more.
const MOST_CONNECTIONS = 20;

const metadata = () => ({
  actor: "bench",
  command_id: crypto.randomUUID(),
  correlation_id: crypto.randomUUID(),
  source: "api",
  occurred_at: new Date().toISOString(),
});
const data = { tag: "bench" };

class Conflict extends Error {}

// Emmett: the event store of the package, with its own pool.
async function emmett() {
  const store = getPostgreSQLEventStore(url);
  await store.schema.migrate();
  return {
    async append(stream, version) {
      const event = { type: "DropletTagged", data, metadata: metadata() };
      const expected = version === 0n ? "STREAM_DOES_NOT_EXIST" : version;
      try {
        const options = { expectedStreamVersion: expected };
        return (await store.appendToStream(stream, [event], options)).nextExpectedStreamVersion;
      } catch (error) {
        if (/Expected version/.test(error.message)) throw new Conflict();
        throw error;
      }
    },
    async version(stream) {
      return (await store.readStream(stream)).currentStreamVersion;
    },
    close: () => store.close(),
  };
}

// Message DB: a function in Postgres, called through a pool.
async function messageDb() {
  const options = "-c search_path=message_store";
  const pool = new pg.Pool({ connectionString: url, max: MOST_CONNECTIONS, options });
  return {
    async append(stream, version) {
      const values = [crypto.randomUUID(), stream, "DropletTagged", data, metadata(), String(version - 1n)];
      try {
        const text = "select write_message($1, $2, $3, $4, $5, $6) as position";
        const { rows } = await pool.query({ name: "write", text, values });
        return BigInt(rows[0].position) + 1n;
      } catch (error) {
        if (/Wrong expected version/.test(error.message)) throw new Conflict();
        throw error;
      }
    },
    async version(stream) {
      const { rows } = await pool.query("select stream_version($1) as position", [stream]);
      return rows[0].position === null ? 0n : BigInt(rows[0].position) + 1n;
    },
    close: () => pool.end(),
  };
}

const store = await { emmett, "message-db": messageDb }[peer]();
let [accepted, conflicts] = [0, 0];

async function caller(number, until) {
  const hot = "droplet-hot";
  const category = number % 2 === 0 ? "droplet" : "job";
  const own = `${category}-${crypto.randomUUID()}`;
  const stream = work === "hot" ? hot : own;
  let version = 0n;
  while (Date.now() < until) {
    try {
      version = await store.append(stream, version);
      accepted += 1;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      conflicts += 1;
      version = await store.version(stream);
    }
  }
}

const started = Date.now();
const until = started + Number(seconds) * 1000;
await Promise.all(Array.from({ length: Number(callers) }, (_, number) => caller(number, until)));
console.log(JSON.stringify({ accepted, conflicts, seconds: (Date.now() - started) / 1000 }));
await store.close();
