import { graphql } from 'relay-runtime';

export const list = graphql`
  fragment Clusters_list on Query
  @refetchable(queryName: "ClustersPageQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    filter: { type: "ClusterFilter" }
    orderBy: { type: "ClusterOrder" }
  ) {
    clusters(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy)
      @connection(key: "Clusters_clusters") {
      edges {
        node {
          ...Clusters_row
        }
      }
    }
  }
`;

// A row alone can be fetched again, by its id.
export const row = graphql`
  fragment Clusters_row on Cluster @refetchable(queryName: "ClustersRowQuery") {
    id
    name
    status
    maximumNodes
  }
`;
