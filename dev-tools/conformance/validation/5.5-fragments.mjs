// Section 5.5 of the specification: fragments and their spreads.

const graphql = String.raw;

export default [
  {
    rule: '5.5.1.1 Fragment Name Uniqueness',
    valid: {
      'two names': graphql`
        { ...A ...B }
        fragment A on Query { counts { __typename } }
        fragment B on Query { catalogue { date } }`,
    },
    invalid: {
      'one name twice': graphql`
        { ...A }
        fragment A on Query { counts { __typename } }
        fragment A on Query { catalogue { date } }`,
      'one name twice, equal': graphql`
        { ...A }
        fragment A on Query { counts { __typename } }
        fragment A on Query { counts { __typename } }`,
      'one name twice, unused': graphql`
        { counts { __typename } }
        fragment A on Query { counts { __typename } }
        fragment A on Droplet { name }`,
    },
  },
  {
    rule: '5.5.1.2 Fragment Spread Type Existence',
    valid: {
      'an object': graphql`
        query ($id: ID!) { node(id: $id) { ...F ... on Droplet { name } } }
        fragment F on Job { kind }`,
      'an interface': graphql`{ droplets(first: 1) { nodes { ... on Node { id } } } }`,
      'no type': graphql`{ droplets(first: 1) { nodes { ... { id } } } }`,
    },
    invalid: {
      'an unknown type': graphql`
        query ($id: ID!) { node(id: $id) { ...F } }
        fragment F on Machine { name }`,
      'an unknown type inline': graphql`query ($id: ID!) { node(id: $id) { ... on Machine { name } } }`,
      'a type in another case': graphql`query ($id: ID!) { node(id: $id) { ... on droplet { name } } }`,
      'an unknown type in an unused fragment': graphql`
        { counts { __typename } }
        fragment F on Machine { name }`,
    },
  },
  {
    rule: '5.5.1.3 Fragments on Object, Interface or Union Types',
    valid: {
      'an object and an interface': graphql`
        query ($id: ID!) { node(id: $id) { ...F } }
        fragment F on Node { id ... on Cluster { name } }`,
      'a type of introspection': graphql`
        { __schema { queryType { ...F } } }
        fragment F on __Type { name }`,
    },
    invalid: {
      'a scalar': graphql`
        { droplets(first: 1) { nodes { ...F } } }
        fragment F on String { length }`,
      'an enum inline': graphql`{ droplets(first: 1) { nodes { ... on DropletStatus { name } } } }`,
      'an input object': graphql`
        { droplets(first: 1) { nodes { ...F } } }
        fragment F on DropletFilter { name }`,
      'an own scalar inline': graphql`{ droplets(first: 1) { nodes { ... on BigInt { digits } } } }`,
    },
  },
  {
    rule: '5.5.1.4 Fragments Must Be Used',
    valid: {
      'used by an operation': graphql`
        { ...F }
        fragment F on Query { counts { __typename } }`,
      'used by a fragment': graphql`
        { ...F }
        fragment F on Query { ...G }
        fragment G on Query { counts { __typename } }`,
      'used by one of two operations': graphql`
        query A { ...F }
        query B { counts { __typename } }
        fragment F on Query { counts { __typename } }`,
      'used where nothing is ever included': graphql`
        { catalogue { date } ...F @include(if: false) }
        fragment F on Query { counts { __typename } }`,
    },
    invalid: {
      unused: graphql`
        { counts { __typename } }
        fragment F on Query { counts { __typename } }`,
      'used by an unused fragment': graphql`
        { counts { __typename } }
        fragment F on Query { ...G }
        fragment G on Query { counts { __typename } }`,
      'used by itself': graphql`
        { counts { __typename } }
        fragment F on Query { ...F }`,
      'one of two': graphql`
        { ...F }
        fragment F on Query { counts { __typename } }
        fragment G on Query { counts { __typename } }`,
    },
  },
  {
    rule: '5.5.2.1 Fragment Spread Target Defined',
    valid: {
      'defined after its use': graphql`
        { ...F }
        fragment F on Query { counts { __typename } }`,
      'defined before its use': graphql`
        fragment F on Query { counts { __typename } }
        { ...F }`,
    },
    invalid: {
      'not defined': graphql`{ ...F }`,
      'not defined, within a fragment': graphql`
        { ...F }
        fragment F on Query { ...G }`,
      'the name of an operation': graphql`query F { counts { __typename } ...F }`,
      'another case': graphql`
        { ...f }
        fragment F on Query { counts { __typename } }`,
      'the name of a type': graphql`query ($id: ID!) { node(id: $id) { ...Droplet } }`,
    },
  },
  {
    rule: '5.5.2.2 Fragment Spreads Must Not Form Cycles',
    valid: {
      'one fragment on two ways': graphql`
        { ...F ...G }
        fragment F on Query { ...H }
        fragment G on Query { ...H }
        fragment H on Query { counts { __typename } }`,
      'one fragment at two depths': graphql`
        { droplets(first: 1) { nodes { cluster { ...F } } } clusters(first: 1) { nodes { ...F } } }
        fragment F on Cluster { name }`,
    },
    invalid: {
      itself: graphql`
        { ...F }
        fragment F on Query { counts { __typename } ...F }`,
      'itself inline': graphql`
        { ...F }
        fragment F on Query { ... { ...F } counts { __typename } }`,
      'itself below a field': graphql`
        { jobs(first: 1) { nodes { ...F } } }
        fragment F on Job { droplet { ...G } }
        fragment G on Droplet { cluster { id } ...G }`,
      two: graphql`
        { ...F }
        fragment F on Query { ...G }
        fragment G on Query { ...F }`,
      three: graphql`
        { ...F }
        fragment F on Query { ...G }
        fragment G on Query { ...H }
        fragment H on Query { counts { __typename } ...F }`,
      'a cycle beside the way': graphql`
        { ...F }
        fragment F on Query { ...G counts { __typename } }
        fragment G on Query { ...H }
        fragment H on Query { ...G }`,
      'a cycle that is never included': graphql`
        { ...F }
        fragment F on Query { counts { __typename } ...F @include(if: false) }`,
      'two cycles': graphql`
        { ...F }
        fragment F on Query { ...G ...H }
        fragment G on Query { ...F }
        fragment H on Query { ...F }`,
    },
  },
  {
    rule: '5.5.2.3.1 Object Spreads in Object Scope',
    valid: {
      'an object in itself': graphql`{ droplets(first: 1) { nodes { ... on Droplet { name } } } }`,
      'the root in itself': graphql`
        { ...F }
        fragment F on Query { counts { __typename } }`,
    },
    invalid: {
      'another object': graphql`{ droplets(first: 1) { nodes { ... on Job { kind } } } }`,
      'another object by a fragment': graphql`
        { droplets(first: 1) { nodes { ...F } } }
        fragment F on Cluster { name }`,
      'another root': graphql`{ ... on Mutation { __typename } }`,
      'another object within a fragment': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { ... on Job { kind } } } }`,
    },
  },
  {
    rule: '5.5.2.3.2 Abstract Spreads in Object Scope',
    valid: {
      'its interface': graphql`{ droplets(first: 1) { nodes { ... on Node { id } } } }`,
      'its interface by a fragment, and back': graphql`
        { droplets(first: 1) { nodes { ...F } } }
        fragment F on Node { id ... on Droplet { name } }`,
      'its interface, and another object in that': graphql`
        { droplets(first: 1) { nodes { ... on Node { ... on Job { kind } } } } }`,
    },
    invalid: {
      'an interface that it does not have': graphql`{ catalogue { ... on Node { id } } }`,
      'an interface that it does not have, by a fragment': graphql`
        { droplets(first: 1) { nodes { priceHourly { ...F } } } }
        fragment F on Node { id }`,
      'an interface at the root': graphql`{ ... on Node { id } }`,
    },
  },
  {
    rule: '5.5.2.3.3 Object Spreads in Abstract Scope',
    valid: {
      'objects of the interface': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { name } ... on Job { kind } ... on Cluster { name } } }`,
      'an object of the interface by a fragment': graphql`
        query ($id: ID!) { node(id: $id) { ...F } }
        fragment F on Droplet { name }`,
    },
    invalid: {
      'an object without the interface': graphql`query ($id: ID!) { node(id: $id) { ... on Money { micros } } }`,
      'an object without the interface by a fragment': graphql`
        query ($id: ID!) { node(id: $id) { ...F } }
        fragment F on Catalogue { date }`,
      'an object without the interface, within a fragment on the interface': graphql`
        query ($id: ID!) { node(id: $id) { ... on Node { ... on PageInfo { endCursor } } } }`,
    },
  },
  {
    rule: '5.5.2.3.4 Abstract Spreads in Abstract Scope',
    valid: {
      'the interface in itself': graphql`query ($id: ID!) { node(id: $id) { ... on Node { id ... on Node { id } } } }`,
      'the interface in itself by fragments': graphql`
        query ($id: ID!) { node(id: $id) { ...F } }
        fragment F on Node { ...G }
        fragment G on Node { id }`,
    },
    invalid: {},
  },
];
