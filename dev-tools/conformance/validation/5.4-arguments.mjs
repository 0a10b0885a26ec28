// Section 5.4 of the specification: arguments of fields and directives.

const graphql = String.raw;

export default [
  {
    rule: '5.4.1 Argument Names',
    valid: {
      'known arguments of a field': graphql`{ droplets(first: 1, filter: {}, orderBy: null) { totalCount } }`,
      'known arguments of directives': graphql`
        query ($b: Boolean!) { counts @skip(if: $b) { __typename } catalogue @idempotent(key: "k") { date } }`,
      'arguments of introspection': graphql`{ __type(name: "Job") { fields(includeDeprecated: true) { name } } }`,
    },
    invalid: {
      'an unknown argument': graphql`{ droplets(first: 1, offset: 2) { totalCount } }`,
      'an argument of a field that has none': graphql`{ catalogue(date: "2026-01-01") { date } }`,
      'an unknown argument that is null': graphql`{ droplets(first: 1, offset: null) { totalCount } }`,
      'a known argument of another field': graphql`query ($id: ID!) { droplet(id: $id, first: 1) { name } }`,
      'an argument of __typename': graphql`{ __typename(a: 1) }`,
      'an unknown argument of a directive': graphql`{ counts @skip(if: false, unless: true) { __typename } }`,
      'a misspelt argument of a directive': graphql`{ counts @include(iff: true) { __typename } }`,
      'an unknown argument in a fragment': graphql`
        { ...F }
        fragment F on Query { droplets(first: 1, offset: 2) { totalCount } }`,
      'an unknown argument of a mutation': graphql`
        mutation ($i: TagDropletInput!) { tagDroplet(input: $i, dryRun: true) { consistencyToken } }`,
      'an unknown argument of a subscription': graphql`
        subscription ($id: ID!) { dropletChanged(id: $id, name: "a") { cursor } }`,
      'empty brackets': graphql`{ counts() { __typename } }`,
    },
  },
  {
    rule: '5.4.2 Argument Uniqueness',
    valid: {
      'one argument in two fields': graphql`{ droplets(first: 1) { totalCount } jobs(first: 1) { totalCount } }`,
    },
    invalid: {
      'an argument twice': graphql`{ droplets(first: 1, first: 1) { totalCount } }`,
      'an argument twice with two values': graphql`{ droplets(first: 1, filter: {}, first: 2) { totalCount } }`,
      'an argument of a directive twice': graphql`{ counts @skip(if: true, if: true) { __typename } }`,
      'an argument of __type twice': graphql`{ __type(name: "Job", name: "Job") { name } }`,
    },
  },
  {
    rule: '5.4.3 Required Arguments',
    valid: {
      'a required argument': graphql`query ($id: ID!) { droplet(id: $id) { name } }`,
      'optional arguments left out': graphql`{ counts { __typename } droplets(last: 1) { totalCount } }`,
      'an optional argument that is null': graphql`{ droplets(first: 1, filter: null) { totalCount } }`,
      'required fields with defaults left out': graphql`
        mutation ($n: String!) { createCluster(input: { name: $n }) { consistencyToken } }`,
    },
    invalid: {
      'a required argument left out': graphql`{ droplet { name } }`,
      'a required argument left out beside another': graphql`{ droplet(consistentWith: "x") { name } }`,
      'null for a required argument': graphql`{ droplet(id: null) { name } }`,
      'the input of a mutation left out': graphql`mutation { tagDroplet { consistencyToken } }`,
      'null for the input of a mutation': graphql`mutation { tagDroplet(input: null) { consistencyToken } }`,
      'the argument of @skip left out': graphql`{ counts @skip { __typename } }`,
      'the key of @idempotent left out': graphql`
        mutation ($i: TagDropletInput!) { tagDroplet(input: $i) @idempotent { consistencyToken } }`,
      'null for the argument of @include': graphql`{ counts @include(if: null) { __typename } }`,
      'the name of __type left out': graphql`{ __type { name } }`,
      'a required argument left out in a fragment': graphql`
        { ...F }
        fragment F on Query { node { id } }`,
    },
  },
];
