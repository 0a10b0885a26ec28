/** Live lists of jobs, newest first. */
import { follow, send } from "../graphql/transport";
import type { Change, Source } from "../live/entity";
import { instant, ordered } from "../live/order";
import { JobChanges, JobPage, type Job, type JobStatus } from "./documents";

/** What a list of jobs shows. Empty fields let everything through. */
export interface JobQuery {
  statuses: readonly JobStatus[];
  droplet: string;
}

export function jobList(query: JobQuery): Source<Job> {
  const filter = {
    ...(query.statuses.length > 0 && { statuses: [...query.statuses] }),
    ...(query.droplet && { droplet: query.droplet }),
  };
  return {
    async page(after) {
      const { jobs } = await send(JobPage, { filter, after });
      const { endCursor, hasNextPage } = jobs.pageInfo;
      return { rows: jobs.nodes, endCursor, hasMore: hasNextPage, asOf: jobs.asOf };
    },
    watch: (after, stop, onOpen) => changes(query.droplet || null, after, stop, onOpen),
    has: (row) =>
      (query.statuses.length === 0 || query.statuses.includes(row.status)) &&
      (!query.droplet || row.dropletId === query.droplet),
    compare: ordered((row) => instant(row.createdAt), "DESCENDING"),
  };
}

async function* changes(droplet: string | null, after: string, stop: AbortSignal, onOpen: () => void): AsyncGenerator<Change<Job>> {
  for await (const { jobChanged } of follow(JobChanges, { droplet, after }, stop, onOpen)) {
    let row: Job | null = null;
    if (jobChanged.job) {
      const { resourceId, ...state } = jobChanged.job;
      row = { id: resourceId, ...state };
    }
    yield { cursor: jobChanged.cursor, row };
  }
}
