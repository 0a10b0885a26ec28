/** The operations about clusters. */
import { graphql, type ResultOf } from "../graphql/documents";

const State = graphql(`
  fragment ClusterState on Cluster {
    id name status description minimumNodes maximumNodes version createdAt updatedAt
  }
`);

export type Cluster = ResultOf<typeof State>;

export const ClusterPage = graphql(
  `
    query ClusterPage($after: String) {
      clusters(first: 100, after: $after) {
        asOf
        pageInfo { endCursor hasNextPage }
        nodes { ...ClusterState }
      }
    }
  `,
  [State],
);

export const ClusterChanges = graphql(`
  subscription ClusterChanges($after: String!) {
    clusterChanged(after: $after, bookmarks: true) {
      cursor
      cluster { resourceId name status description minimumNodes maximumNodes version createdAt updatedAt }
    }
  }
`);

export const CreateCluster = graphql(
  `
    mutation CreateCluster($input: CreateClusterInput!, $key: String!) {
      outcome: createCluster(input: $input) @idempotent(key: $key) { cluster { ...ClusterState } userErrors { field message code } }
    }
  `,
  [State],
);

export const DeleteCluster = graphql(
  `
    mutation DeleteCluster($input: DeleteClusterInput!, $key: String!) {
      outcome: deleteCluster(input: $input) @idempotent(key: $key) { cluster { ...ClusterState } userErrors { field message code } }
    }
  `,
  [State],
);
