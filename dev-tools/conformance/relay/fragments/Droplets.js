import { graphql } from 'relay-runtime';

export const list = graphql`
  fragment Droplets_list on Query
  @refetchable(queryName: "DropletsPageQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    filter: { type: "DropletFilter" }
    orderBy: { type: "DropletOrder" }
  ) {
    droplets(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy)
      @connection(key: "Droplets_droplets") {
      edges {
        node {
          ...Droplets_row
        }
      }
    }
  }
`;

// A row alone can be fetched again, by its id.
export const row = graphql`
  fragment Droplets_row on Droplet @refetchable(queryName: "DropletsRowQuery") {
    id
    name
    status
    tags
    addresses {
      ip
    }
  }
`;

export const added = graphql`
  mutation DropletsAddedMutation($input: ProvisionDropletInput!, $connections: [ID!]!) {
    provisionDroplet(input: $input) {
      droplet @prependNode(connections: $connections, edgeTypeName: "DropletEdge") {
        ...Droplets_row
      }
      consistencyToken
      userErrors {
        field
        message
        code
      }
    }
  }
`;

export const changed = graphql`
  subscription DropletsChangedSubscription($after: String) {
    dropletChanged(after: $after) {
      cursor
      droplet {
        resourceId
        name
        status
        version
      }
    }
  }
`;
