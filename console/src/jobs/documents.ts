/** The operations about jobs. */
import { graphql, type ResultOf } from "../graphql/documents";

const State = graphql(`
  fragment JobState on Job {
    id kind status dropletId clusterLabel runner maxAttempts worker percent message reason version createdAt startedAt
    finishedAt updatedAt
  }
`);

export type Job = ResultOf<typeof State>;
export type JobStatus = Job["status"];

export const JobPage = graphql(
  `
    query JobPage($filter: JobFilter, $after: String) {
      jobs(filter: $filter, first: 100, after: $after) {
        asOf
        pageInfo { endCursor hasNextPage }
        nodes { ...JobState }
      }
    }
  `,
  [State],
);

export const JobChanges = graphql(`
  subscription JobChanges($droplet: ID, $after: String!) {
    jobChanged(droplet: $droplet, after: $after, bookmarks: true) {
      cursor
      job {
        resourceId kind status dropletId clusterLabel runner maxAttempts worker percent message reason version createdAt
        startedAt finishedAt updatedAt
      }
    }
  }
`);

export const CancelJob = graphql(
  `
    mutation CancelJob($input: CancelJobInput!, $key: String!) {
      outcome: cancelJob(input: $input) @idempotent(key: $key) { job { ...JobState } userErrors { field message code } }
    }
  `,
  [State],
);
