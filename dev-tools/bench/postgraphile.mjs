// PostGraphile as its documentation runs it in production: library mode, Node's own HTTP server, one process.
//
// With BENCH_ORG, every request sets role and organization, as row-level security needs. It costs a transaction
// a request.

import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { BENCH_DATABASE_URL, BENCH_PORT, BENCH_SCHEMA, BENCH_ORG } = process.env;

const pgSettings = { role: "clustergenie_reader", "clustergenie.org": BENCH_ORG };

const preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: BENCH_DATABASE_URL,
      schemas: [BENCH_SCHEMA],
      // As many as `clustergenie api` has for queries.
      poolConfig: { max: 20 },
    }),
  ],
  grafast: { explain: false, context: () => (BENCH_ORG ? { pgSettings } : {}) },
  grafserv: { graphqlPath: "/graphql", graphiql: false, websockets: false, watch: false },
};

const server = createServer();
server.on("error", (error) => {
  throw error;
});
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(Number(BENCH_PORT), "127.0.0.1");
