/** Live lists of droplets. */
import { follow, send } from "../graphql/transport";
import type { VariablesOf } from "../graphql/documents";
import type { Change, Source } from "../live/entity";
import { instant, ordered, type Direction } from "../live/order";
import { DropletChanges, DropletPage, OneDroplet, type Droplet, type DropletStatus } from "./documents";

/** What a list of droplets shows. Empty fields let everything through, but deleted droplets. */
export interface DropletQuery {
  name: string;
  statuses: readonly DropletStatus[];
  region: string;
  size: string;
  tag: string;
  cluster: string;
  order: "CREATED_AT" | "NAME";
  direction: Direction;
}

/** Returns the filter of a query as the platform takes it. */
export function filterOf(query: DropletQuery): NonNullable<VariablesOf<typeof DropletPage>["filter"]> {
  return {
    ...(query.name && { name: query.name }),
    ...(query.statuses.length > 0 && { statuses: [...query.statuses] }),
    ...(query.region && { regions: [query.region] }),
    ...(query.size && { sizes: [query.size] }),
    ...(query.tag && { tags: [query.tag] }),
    ...(query.cluster && { cluster: query.cluster }),
  };
}

/** The droplets of a query. */
export function dropletList(query: DropletQuery): Source<Droplet> {
  const filter = filterOf(query);
  const text = query.order === "NAME" ? (row: Droplet) => row.name : (row: Droplet) => instant(row.createdAt);
  return {
    async page(after) {
      const orderBy = { field: query.order, direction: query.direction };
      const { droplets } = await send(DropletPage, { filter, orderBy, after });
      const { endCursor, hasNextPage } = droplets.pageInfo;
      return { rows: droplets.nodes, endCursor, hasMore: hasNextPage, asOf: droplets.asOf };
    },
    watch: (after, stop, onOpen) => changes(null, after, stop, onOpen),
    has: (row) => has(query, row),
    compare: ordered(text, query.direction),
  };
}

/** One droplet, as a list of at most one. */
export function oneDroplet(id: string): Source<Droplet> {
  return {
    async page() {
      const { droplet, droplets } = await send(OneDroplet, { id });
      return { rows: droplet ? [droplet] : [], endCursor: null, hasMore: false, asOf: droplets.asOf };
    },
    watch: (after, stop, onOpen) => changes(id, after, stop, onOpen),
    has: (row) => row.id === id,
    compare: ordered((row) => row.id, "ASCENDING"),
  };
}

function has(query: DropletQuery, row: Droplet): boolean {
  const statuses = query.statuses;
  return (
    (statuses.length > 0 ? statuses.includes(row.status) : row.status !== "DELETED") &&
    row.name.toLowerCase().includes(query.name.toLowerCase()) &&
    (!query.region || row.regionSlug === query.region) &&
    (!query.size || row.sizeSlug === query.size) &&
    (!query.tag || row.tags.includes(query.tag)) &&
    (!query.cluster || row.clusterId === query.cluster)
  );
}

async function* changes(id: string | null, after: string, stop: AbortSignal, onOpen: () => void): AsyncGenerator<Change<Droplet>> {
  for await (const { dropletChanged } of follow(DropletChanges, { id, after }, stop, onOpen)) {
    const snapshot = dropletChanged.droplet;
    let row: Droplet | null = null;
    if (snapshot) {
      const { resourceId, ...state } = snapshot;
      row = { id: resourceId, ...state };
    }
    yield { cursor: dropletChanged.cursor, row };
  }
}
