// Section 5.7 of the specification: directives.

const graphql = String.raw;

export default [
  {
    rule: '5.7.1 Directives Are Defined',
    valid: {
      'those of the schema': graphql`
        query ($b: Boolean!) {
          counts @skip(if: $b) @idempotent(key: "k") { __typename }
          ... @include(if: $b) { catalogue { date } }
        }`,
    },
    invalid: {
      'unknown on a field': graphql`{ counts @live { __typename } }`,
      'unknown on an operation': graphql`query @live { counts { __typename } }`,
      'unknown on __typename': graphql`{ __typename @live }`,
      'unknown on a spread': graphql`
        { ...F @live }
        fragment F on Query { counts { __typename } }`,
      'unknown on a fragment': graphql`
        { ...F }
        fragment F on Query @live { counts { __typename } }`,
      'unknown on an inline fragment': graphql`{ ... @live { counts { __typename } } }`,
      'unknown on a variable': graphql`query ($n: Int @live) { droplets(first: $n) { totalCount } }`,
      'in another case': graphql`{ counts @Skip(if: false) { __typename } }`,
      '@defer, which the schema lacks': graphql`{ ... @defer { counts { __typename } } }`,
      '@stream, which the schema lacks': graphql`{ droplets(first: 1) { nodes @stream(initialCount: 1) { id } } }`,
    },
  },
  {
    rule: '5.7.2 Directives Are in Valid Locations',
    valid: {
      'on a field, a spread and an inline fragment': graphql`
        query ($b: Boolean!) {
          counts @skip(if: $b) { __typename }
          ...F @skip(if: $b)
          ... on Query @include(if: $b) { counts { __typename } }
        }
        fragment F on Query { counts { __typename } }`,
      'on __typename': graphql`{ __typename @include(if: true) }`,
    },
    invalid: {
      '@skip on a query': graphql`query @skip(if: false) { counts { __typename } }`,
      '@include on a mutation': graphql`
        mutation ($i: TagDropletInput!) @include(if: true) { tagDroplet(input: $i) { consistencyToken } }`,
      '@include on a subscription': graphql`
        subscription ($id: ID!) @include(if: true) { dropletChanged(id: $id) { cursor } }`,
      '@skip on a fragment': graphql`
        { ...F }
        fragment F on Query @skip(if: false) { counts { __typename } }`,
      '@skip on a variable': graphql`query ($n: Int @skip(if: false)) { droplets(first: $n) { totalCount } }`,
      '@idempotent on a spread': graphql`
        { ...F @idempotent(key: "k") }
        fragment F on Query { counts { __typename } }`,
      '@idempotent on a mutation as a whole': graphql`
        mutation ($i: TagDropletInput!) @idempotent(key: "k") { tagDroplet(input: $i) { consistencyToken } }`,
      '@deprecated on a field of a selection': graphql`{ counts @deprecated { __typename } }`,
      '@specifiedBy on a field of a selection': graphql`{ counts @specifiedBy(url: "https") { __typename } }`,
      '@oneOf on an inline fragment': graphql`{ ... @oneOf { counts { __typename } } }`,
    },
  },
  {
    rule: '5.7.3 Directives Are Unique per Location',
    valid: {
      'two directives in one place': graphql`
        query ($b: Boolean!) { counts @skip(if: $b) @include(if: $b) { __typename } }`,
      'one directive in two places': graphql`
        query ($b: Boolean!) { counts @skip(if: $b) { __typename @skip(if: $b) } catalogue @skip(if: $b) { date } }`,
    },
    invalid: {
      'one directive twice': graphql`
        query ($b: Boolean!) { counts @skip(if: $b) @skip(if: $b) { __typename } }`,
      'one directive twice with two values': graphql`{ counts @skip(if: true) @skip(if: false) { __typename } }`,
      'one directive twice, apart': graphql`
        { counts @include(if: true) @skip(if: false) @include(if: true) { __typename } }`,
      'twice on a spread': graphql`
        { ...F @include(if: true) @include(if: true) }
        fragment F on Query { counts { __typename } }`,
      'twice on an inline fragment': graphql`{ ... @skip(if: false) @skip(if: false) { counts { __typename } } }`,
      '@idempotent twice': graphql`
        mutation ($i: TagDropletInput!) {
          tagDroplet(input: $i) @idempotent(key: "a") @idempotent(key: "b") { consistencyToken }
        }`,
      'twice on __typename': graphql`{ __typename @skip(if: false) @skip(if: false) }`,
    },
  },
];
