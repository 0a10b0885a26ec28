import { graphql } from 'relay-runtime';

export const list = graphql`
  fragment Jobs_list on Query
  @refetchable(queryName: "JobsPageQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    filter: { type: "JobFilter" }
    orderBy: { type: "JobOrder" }
  ) {
    jobs(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy)
      @connection(key: "Jobs_jobs") {
      edges {
        node {
          ...Jobs_row
        }
      }
    }
  }
`;

// A row alone can be fetched again, by its id.
export const row = graphql`
  fragment Jobs_row on Job @refetchable(queryName: "JobsRowQuery") {
    id
    kind
    status
    percent
  }
`;
