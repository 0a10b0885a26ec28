import { graphql } from 'relay-runtime';

export const list = graphql`
  fragment Commands_list on Query
  @refetchable(queryName: "CommandsPageQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    filter: { type: "CommandFilter" }
  ) {
    commands(first: $first, after: $after, last: $last, before: $before, filter: $filter)
      @connection(key: "Commands_commands") {
      edges {
        node {
          name
          outcome
        }
      }
    }
  }
`;
