import { graphql } from 'relay-runtime';

export const list = graphql`
  fragment Events_list on Query
  @refetchable(queryName: "EventsPageQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    filter: { type: "EventFilter" }
  ) {
    events(first: $first, after: $after, last: $last, before: $before, filter: $filter)
      @connection(key: "Events_events") {
      edges {
        node {
          type
          position
        }
      }
    }
  }
`;
