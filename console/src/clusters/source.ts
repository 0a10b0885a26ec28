/** The live list of clusters, newest first. */
import { follow, send } from "../graphql/transport";
import type { Change, Source } from "../live/entity";
import { instant, ordered } from "../live/order";
import { ClusterChanges, ClusterPage, type Cluster } from "./documents";

export function clusterList(): Source<Cluster> {
  return {
    async page(after) {
      const { clusters } = await send(ClusterPage, { after });
      const { endCursor, hasNextPage } = clusters.pageInfo;
      return { rows: clusters.nodes, endCursor, hasMore: hasNextPage, asOf: clusters.asOf };
    },
    watch: changes,
    has: (row) => row.status !== "DELETED",
    compare: ordered((row) => instant(row.createdAt), "DESCENDING"),
  };
}

async function* changes(after: string, stop: AbortSignal, onOpen: () => void): AsyncGenerator<Change<Cluster>> {
  for await (const { clusterChanged } of follow(ClusterChanges, { after }, stop, onOpen)) {
    let row: Cluster | null = null;
    if (clusterChanged.cluster) {
      const { resourceId, ...state } = clusterChanged.cluster;
      row = { id: resourceId, ...state };
    }
    yield { cursor: clusterChanged.cursor, row };
  }
}
