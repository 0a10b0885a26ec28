// Section 5.2 of the specification: operations, their names, and the root of a subscription.

const graphql = String.raw;

export default [
  {
    rule: '5.2.1.1 Operation Type Existence',
    valid: {
      'all three types': graphql`
        query Q { counts { __typename } }
        mutation M($id: ID!) { protectDroplet(input: { id: $id }) { consistencyToken } }
        subscription S($id: ID!) { dropletChanged(id: $id) { cursor } }`,
    },
    invalid: {
      'a type that does not exist': graphql`question Q { counts { __typename } }`,
      'a type in capitals': graphql`QUERY Q { counts { __typename } }`,
    },
  },
  {
    rule: '5.2.2.1 Operation Name Uniqueness',
    valid: {
      'two names': graphql`
        query A { counts { __typename } }
        query B { counts { __typename } }`,
      'names that differ in case': graphql`
        query a { counts { __typename } }
        query A { counts { __typename } }`,
      'an operation and a fragment of one name': graphql`
        query A { ...A }
        fragment A on Query { counts { __typename } }`,
    },
    invalid: {
      'two queries of one name': graphql`
        query A { counts { __typename } }
        query A { catalogue { date } }`,
      'a query and a mutation of one name': graphql`
        query A { counts { __typename } }
        mutation A($id: ID!) { protectDroplet(input: { id: $id }) { consistencyToken } }`,
      'a query and a subscription of one name, apart': graphql`
        query A { ...F }
        fragment F on Query { counts { __typename } }
        subscription A($id: ID!) { dropletChanged(id: $id) { cursor } }`,
    },
  },
  {
    rule: '5.2.3.1 Lone Anonymous Operation',
    valid: {
      'one anonymous operation': graphql`{ counts { __typename } }`,
      'one anonymous operation with the keyword': graphql`query { counts { __typename } }`,
      'one anonymous operation and fragments': graphql`
        { ...F }
        fragment F on Query { counts { __typename } }`,
    },
    invalid: {
      'two anonymous operations': graphql`
        { counts { __typename } }
        { catalogue { date } }`,
      'an anonymous operation before a named one': graphql`
        { counts { __typename } }
        query B { catalogue { date } }`,
      'a named operation before an anonymous one': graphql`
        query A { counts { __typename } }
        { catalogue { date } }`,
      'an anonymous query and a named subscription': graphql`
        { counts { __typename } }
        subscription S($id: ID!) { dropletChanged(id: $id) { cursor } }`,
    },
  },
  {
    rule: '5.2.4.1 Single Root Field',
    valid: {
      'one field': graphql`subscription ($id: ID!) { dropletChanged(id: $id) { cursor } }`,
      'one field under an alias': graphql`subscription ($id: ID!) { a: dropletChanged(id: $id) { cursor } }`,
      'one field in a fragment': graphql`
        subscription ($id: ID!) { ...F }
        fragment F on Subscription { dropletChanged(id: $id) { cursor } }`,
      'one field in an inline fragment': graphql`
        subscription ($id: ID!) { ... on Subscription { dropletChanged(id: $id) { cursor } } }`,
      'one field in an inline fragment without a type': graphql`
        subscription ($id: ID!) { ... { dropletChanged(id: $id) { cursor } } }`,
      'one field in nested fragments': graphql`
        subscription ($id: ID!) { ...F }
        fragment F on Subscription { ...G }
        fragment G on Subscription { ... { dropletChanged(id: $id) { cursor } } }`,
      'one response name twice': graphql`
        subscription ($id: ID!) {
          dropletChanged(id: $id) { cursor }
          dropletChanged(id: $id) { event { type } }
        }`,
      'one response name twice, once in a fragment': graphql`
        subscription ($id: ID!) { dropletChanged(id: $id) { cursor } ...F }
        fragment F on Subscription { dropletChanged(id: $id) { droplet { name } } }`,
      'one fragment twice': graphql`
        subscription ($id: ID!) { ...F ...F }
        fragment F on Subscription { dropletChanged(id: $id) { cursor } }`,
      'conditions below the root': graphql`
        subscription ($id: ID!, $b: Boolean!) {
          dropletChanged(id: $id) { cursor @skip(if: $b) event @include(if: $b) { type } }
        }`,
      'another directive at the root': graphql`
        subscription ($id: ID!) { dropletChanged(id: $id) @idempotent(key: "k") { cursor } }`,
      'several fields at the root of a query beside it': graphql`
        subscription S($id: ID!) { dropletChanged(id: $id) { cursor } }
        query Q { counts { __typename } catalogue { date } }`,
    },
    invalid: {
      'two fields': graphql`
        subscription ($id: ID!) {
          dropletChanged(id: $id) { cursor }
          jobChanged(id: $id) { cursor }
        }`,
      'one field under two names': graphql`
        subscription ($id: ID!) {
          a: dropletChanged(id: $id) { cursor }
          b: dropletChanged(id: $id) { cursor }
        }`,
      'a second field in a fragment': graphql`
        subscription ($id: ID!) { dropletChanged(id: $id) { cursor } ...F }
        fragment F on Subscription { jobChanged(id: $id) { cursor } }`,
      'two fields in one fragment': graphql`
        subscription ($id: ID!) { ...F }
        fragment F on Subscription { dropletChanged(id: $id) { cursor } jobChanged(id: $id) { cursor } }`,
      'a second field in an inline fragment': graphql`
        subscription ($id: ID!) {
          dropletChanged(id: $id) { cursor }
          ... { jobChanged(id: $id) { cursor } }
        }`,
      'a second operation with two fields': graphql`
        query Q { counts { __typename } }
        subscription S($id: ID!) { dropletChanged(id: $id) { cursor } jobChanged(id: $id) { cursor } }`,
      '__typename alone': graphql`subscription { __typename }`,
      '__typename under an alias': graphql`subscription { cursor: __typename }`,
      '__typename beside a field': graphql`
        subscription ($id: ID!) { dropletChanged(id: $id) { cursor } __typename }`,
      '@skip at the root': graphql`
        subscription ($id: ID!, $b: Boolean!) { dropletChanged(id: $id) @skip(if: $b) { cursor } }`,
      '@include at the root': graphql`
        subscription ($id: ID!, $b: Boolean!) { dropletChanged(id: $id) @include(if: $b) { cursor } }`,
      '@include with a literal at the root': graphql`
        subscription ($id: ID!) { dropletChanged(id: $id) @include(if: true) { cursor } }`,
      '@skip on a spread at the root': graphql`
        subscription ($id: ID!, $b: Boolean!) { ...F @skip(if: $b) }
        fragment F on Subscription { dropletChanged(id: $id) { cursor } }`,
      '@include on an inline fragment at the root': graphql`
        subscription ($id: ID!, $b: Boolean!) { ... @include(if: $b) { dropletChanged(id: $id) { cursor } } }`,
      '@skip at the root, in a fragment': graphql`
        subscription ($id: ID!, $b: Boolean!) { ...F }
        fragment F on Subscription { dropletChanged(id: $id) @skip(if: $b) { cursor } }`,
      'conditions by which one of two fields remains': graphql`
        subscription ($id: ID!, $b: Boolean!) {
          dropletChanged(id: $id) @skip(if: $b) { cursor }
          jobChanged(id: $id) @include(if: $b) { cursor }
        }`,
    },
  },
];
