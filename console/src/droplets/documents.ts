/** The operations about droplets. */
import { graphql, type ResultOf } from "../graphql/documents";

/** The fields of a droplet that pages show, without its id: a snapshot has another one. */
const State = graphql(`
  fragment DropletState on Droplet {
    id name status sizeSlug regionSlug imageSlug tags clusterId provisioner protected vcpus memoryMib diskGib
    priceMonthly { micros display } addresses { kind ip } failureReason version createdAt updatedAt
  }
`);

export type Droplet = ResultOf<typeof State>;
export type DropletStatus = Droplet["status"];

export const DropletPage = graphql(
  `
    query DropletPage($filter: DropletFilter, $orderBy: DropletOrder, $after: String) {
      droplets(filter: $filter, orderBy: $orderBy, first: 100, after: $after) {
        asOf
        pageInfo { endCursor hasNextPage }
        nodes { ...DropletState }
      }
    }
  `,
  [State],
);

export const DropletTotal = graphql(`
  query DropletTotal($filter: DropletFilter) {
    droplets(filter: $filter, first: 0) { totalCount }
  }
`);

export const OneDroplet = graphql(
  `
    query OneDroplet($id: ID!) {
      droplet(id: $id) { ...DropletState }
      droplets(first: 0) { asOf }
    }
  `,
  [State],
);

export const DropletChanges = graphql(`
  subscription DropletChanges($id: ID, $after: String!) {
    dropletChanged(id: $id, after: $after, bookmarks: true) {
      cursor
      droplet {
        resourceId name status sizeSlug regionSlug imageSlug tags clusterId provisioner protected vcpus memoryMib
        diskGib priceMonthly { micros display } addresses { kind ip } failureReason version createdAt updatedAt
      }
    }
  }
`);

const Payload = graphql(
  `
    fragment DropletOutcome on DropletPayload {
      droplet { ...DropletState }
      consistencyToken
      userErrors { field message code }
    }
  `,
  [State],
);

export const ProvisionDroplet = graphql(
  `mutation ProvisionDroplet($input: ProvisionDropletInput!, $key: String!) { outcome: provisionDroplet(input: $input) @idempotent(key: $key) { ...DropletOutcome } }`,
  [Payload],
);
export const RenameDroplet = graphql(
  `mutation RenameDroplet($input: RenameDropletInput!, $key: String!) { outcome: renameDroplet(input: $input) @idempotent(key: $key) { ...DropletOutcome } }`,
  [Payload],
);
export const TagDroplet = graphql(
  `mutation TagDroplet($input: TagDropletInput!, $key: String!) { outcome: tagDroplet(input: $input) @idempotent(key: $key) { ...DropletOutcome } }`,
  [Payload],
);
export const UntagDroplet = graphql(
  `mutation UntagDroplet($input: UntagDropletInput!, $key: String!) { outcome: untagDroplet(input: $input) @idempotent(key: $key) { ...DropletOutcome } }`,
  [Payload],
);
export const ProtectDroplet = graphql(
  `mutation ProtectDroplet($input: ProtectDropletInput!, $key: String!) { outcome: protectDroplet(input: $input) @idempotent(key: $key) { ...DropletOutcome } }`,
  [Payload],
);
export const UnprotectDroplet = graphql(
  `mutation UnprotectDroplet($input: UnprotectDropletInput!, $key: String!) { outcome: unprotectDroplet(input: $input) @idempotent(key: $key) { ...DropletOutcome } }`,
  [Payload],
);
export const DeleteDroplet = graphql(
  `mutation DeleteDroplet($input: DeleteDropletInput!, $key: String!) { outcome: deleteDroplet(input: $input) @idempotent(key: $key) { ...DropletOutcome } }`,
  [Payload],
);

export const Catalogue = graphql(`
  query Catalogue {
    catalogue {
      date
      sizes { slug vcpus memoryMib diskGib priceMonthly { micros display } priceHourly { display } regions }
      regions { slug name }
      images { slug name minDiskGib }
    }
  }
`);
