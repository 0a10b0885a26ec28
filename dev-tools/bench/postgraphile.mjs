// PostGraphile as its documentation runs it in production: library mode, Node's own HTTP server, one process.
//
// With BENCH_TOPIC, subscribers follow the notifications of the topic, which hold the whole payload. So no event costs
// a query, as it would where a subscription reads its row.
// With BENCH_ORG, every request sets role and organization, as row-level security needs. It costs a transaction
// a request.

import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { jsonParse } from "postgraphile/@dataplan/json";
import { makePgService } from "postgraphile/adaptors/pg";
import { context, get, listen } from "postgraphile/grafast";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { extendSchema, gql } from "postgraphile/utils";

const { BENCH_DATABASE_URL, BENCH_PORT, BENCH_SCHEMA, BENCH_ORG, BENCH_TOPIC } = process.env;

const pgSettings = { role: "clustergenie_reader", "clustergenie.org": BENCH_ORG };

const subscriptions = extendSchema(() => ({
  typeDefs: gql`
    extend type Subscription {
      dropletChanged: DropletChange
    }
    type DropletChange {
      cursor: String!
      event: DropletEvent!
      droplet: DropletState!
    }
    type DropletEvent {
      type: String!
      version: String!
    }
    type DropletState {
      resourceId: ID!
      name: String!
      status: String!
      tags: [String!]!
    }
  `,
  objects: {
    Subscription: {
      plans: {
        dropletChanged: {
          subscribePlan: () => listen(context().get("pgSubscriber"), BENCH_TOPIC, jsonParse),
          plan: ($event) => $event,
        },
      },
    },
    DropletChange: {
      plans: {
        cursor: ($event) => get($event, "version"),
        event: ($event) => $event,
        droplet: ($event) => get($event, "droplet"),
      },
    },
    DropletEvent: {
      plans: {
        type: ($event) => get($event, "type"),
        version: ($event) => get($event, "version"),
      },
    },
  },
}));

const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: BENCH_TOPIC ? [subscriptions] : [],
  pgServices: [
    makePgService({
      connectionString: BENCH_DATABASE_URL,
      schemas: [BENCH_SCHEMA],
      pubsub: Boolean(BENCH_TOPIC),
      // As many as `clustergenie api` has for queries.
      poolConfig: { max: 20 },
    }),
  ],
  grafast: { explain: false, context: () => (BENCH_ORG ? { pgSettings } : {}) },
  grafserv: { graphqlPath: "/graphql", graphiql: false, websockets: Boolean(BENCH_TOPIC), watch: false },
};

const server = createServer();
server.on("error", (error) => {
  throw error;
});
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(Number(BENCH_PORT), "127.0.0.1");
