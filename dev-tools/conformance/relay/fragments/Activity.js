import { graphql } from 'relay-runtime';

export const list = graphql`
  fragment Activity_list on Query
  @refetchable(queryName: "ActivityPageQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    filter: { type: "ActivityFilter" }
  ) {
    activity(first: $first, after: $after, last: $last, before: $before, filter: $filter)
      @connection(key: "Activity_activity") {
      edges {
        node {
          summary
          occurredAt
        }
      }
    }
  }
`;
