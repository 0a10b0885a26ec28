// Section 5.3 of the specification: fields, what can be merged, and leaves.

const graphql = String.raw;

export default [
  {
    rule: '5.3.1 Field Selections',
    valid: {
      'fields of an object': graphql`{ droplets(first: 1) { nodes { id name status vcpus } } }`,
      'the field of an interface': graphql`query ($id: ID!) { node(id: $id) { id } }`,
      '__typename of an object, an interface and the root': graphql`
        query ($id: ID!) { __typename node(id: $id) { __typename } counts { __typename } }`,
      '__schema and __type at the root': graphql`{ __schema { queryType { name } } __type(name: "Droplet") { kind } }`,
      'an alias that is the name of another field': graphql`{ droplets(first: 1) { nodes { name: status } } }`,
    },
    invalid: {
      'an unknown field at the root': graphql`{ nothing }`,
      'an unknown field with a selection': graphql`{ nothing { id } }`,
      'an unknown field of an object': graphql`{ droplets(first: 1) { nodes { nothing } } }`,
      'an unknown field under the alias of a known one': graphql`{ droplets(first: 1) { nodes { name: nothing } } }`,
      'the field of an object on its interface': graphql`query ($id: ID!) { node(id: $id) { name } }`,
      'the field of another object': graphql`{ droplets(first: 1) { nodes { ... on Droplet { percent } } } }`,
      'an unknown field in a fragment': graphql`
        { droplets(first: 1) { nodes { ...F } } }
        fragment F on Droplet { percent }`,
      'a name in another case': graphql`{ droplets(first: 1) { nodes { Name } } }`,
      '__schema below the root': graphql`{ counts { __schema { queryType { name } } } }`,
      '__schema at the root of a mutation': graphql`mutation { __schema { queryType { name } } }`,
      '__type at the root of a subscription': graphql`subscription { __type(name: "Droplet") { name } }`,
      'an unknown introspection': graphql`{ __types { name } }`,
    },
  },
  {
    rule: '5.3.2 Field Selection Merging',
    valid: {
      'a field twice': graphql`{ droplets(first: 1) { nodes { name name } } }`,
      'a field twice under an alias': graphql`{ droplets(first: 1) { nodes { a: name a: name } } }`,
      'equal arguments in another order': graphql`
        {
          droplets(first: 1, filter: { name: "a", tags: ["b"] }) { nodes { name } }
          droplets(filter: { tags: ["b"], name: "a" }, first: 1) { nodes { status } }
        }`,
      'equal variables': graphql`
        query ($id: ID!) { droplet(id: $id) { name } droplet(id: $id) { status } }`,
      'equal strings in both notations': graphql`
        { droplets(first: 1, filter: { name: "a" }) { totalCount } ... { droplets(first: 1, filter: { name: "a" }) { nodes { id } } } }`,
      'different arguments under different aliases': graphql`
        { a: droplets(first: 1) { nodes { name } } b: droplets(first: 2) { nodes { name } } }`,
      'selections of different fields': graphql`
        { droplets(first: 1) { nodes { a: name } } droplets(first: 1) { nodes { b: status } } }`,
      'equal aliases in different places': graphql`
        { a: counts { a: dropletsByStatus { a: status } } droplets(first: 1) { a: nodes { a: name } } }`,
      'one alias for equal types on two objects': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { label: name } ... on Cluster { label: name } } }`,
      'one alias for different fields of equal types on two objects': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { label: name } ... on Job { label: kind } } }`,
      'one alias for different nullable texts on two objects': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { why: failureReason } ... on Job { why: reason } } }`,
      'different arguments on two objects': graphql`
        {
          __schema {
            queryType { ... on __Type { fields(includeDeprecated: true) { name } } }
            types { fields(includeDeprecated: false) { name } }
          }
        }`,
      'one alias for objects of one type on two objects': graphql`
        query ($id: ID!) {
          node(id: $id) {
            ... on Droplet { group: cluster { name } }
            ... on Job { machine: droplet { name } }
          }
        }`,
      'one alias for objects of different types on two objects, which merge below': graphql`
        query ($id: ID!) {
          node(id: $id) {
            ... on Droplet { other: cluster { id name } }
            ... on Job { other: droplet { id label: name } }
          }
        }`,
      'a fragment twice': graphql`
        { droplets(first: 1) { nodes { ...F ...F } } }
        fragment F on Droplet { name }`,
      'a field with and without a directive': graphql`
        query ($b: Boolean!) { droplets(first: 1) { nodes { name @skip(if: $b) name @include(if: $b) } } }`,
      'a field once on the interface and once on the object': graphql`
        query ($id: ID!) { node(id: $id) { id ... on Droplet { id } } }`,
    },
    invalid: {
      'two fields under one alias': graphql`{ droplets(first: 1) { nodes { x: name x: status } } }`,
      'an alias that is the name of a selected field': graphql`{ droplets(first: 1) { nodes { name: status name } } }`,
      'different values of an argument': graphql`
        { droplets(first: 1) { totalCount } droplets(first: 2) { totalCount } }`,
      'an argument once': graphql`
        { droplets(first: 1) { totalCount } droplets(first: 1, filter: {}) { totalCount } }`,
      'a variable and a value': graphql`
        query ($n: Int = 1) { droplets(first: $n) { totalCount } droplets(first: 1) { totalCount } }`,
      'two variables': graphql`
        query ($n: Int = 1, $m: Int = 1) { droplets(first: $n) { totalCount } droplets(first: $m) { totalCount } }`,
      'different fields in an input object': graphql`
        {
          droplets(first: 1, filter: { name: "a" }) { totalCount }
          droplets(first: 1, filter: { name: "b" }) { totalCount }
        }`,
      'lists in different order': graphql`
        {
          droplets(first: 1, filter: { tags: ["a", "b"] }) { totalCount }
          droplets(first: 1, filter: { tags: ["b", "a"] }) { totalCount }
        }`,
      'null and nothing': graphql`
        { droplets(first: 1, filter: null) { totalCount } droplets(first: 1) { totalCount } }`,
      'an enum value and another': graphql`
        {
          jobs(first: 1, filter: { statuses: [RUNNING] }) { totalCount }
          jobs(first: 1, filter: { statuses: [FAILED] }) { totalCount }
        }`,
      'a conflict below fields that merge': graphql`
        { droplets(first: 1) { nodes { x: name } } droplets(first: 1) { nodes { x: status } } }`,
      'a conflict deep below fields that merge': graphql`
        {
          droplets(first: 1) { nodes { cluster { x: name } } }
          droplets(first: 1) { nodes { cluster { x: status } } }
        }`,
      'a conflict with an inline fragment': graphql`
        query ($id: ID!) { droplet(id: $id) { x: name ... on Droplet { x: status } } }`,
      'a conflict with an inline fragment on the interface': graphql`
        query ($id: ID!) { droplet(id: $id) { id: name ... on Node { id } } }`,
      'a conflict with a fragment': graphql`
        query ($id: ID!) { droplet(id: $id) { x: name ...F } }
        fragment F on Droplet { x: status }`,
      'a conflict between two fragments': graphql`
        query ($id: ID!) { droplet(id: $id) { ...F ...G } }
        fragment F on Droplet { x: name }
        fragment G on Droplet { x: status }`,
      'a conflict between nested fragments': graphql`
        query ($id: ID!) { droplet(id: $id) { ...F ...G } }
        fragment F on Droplet { ...H }
        fragment G on Droplet { ... { x: status } }
        fragment H on Droplet { x: name }`,
      'a conflict within a fragment': graphql`
        query ($id: ID!) { droplet(id: $id) { ...F } }
        fragment F on Droplet { x: name x: status }`,
      'a conflict below a fragment and a field': graphql`
        { droplets(first: 1) { nodes { x: name } } ...F }
        fragment F on Query { droplets(first: 1) { nodes { x: status } } }`,
      'a conflict of arguments through a fragment at the root': graphql`
        { droplets(first: 1) { totalCount } ...F }
        fragment F on Query { droplets(first: 2) { totalCount } }`,
      'a conflict in a condition that never holds': graphql`
        { droplets(first: 1) { nodes { x: name @skip(if: true) x: status @include(if: false) } } }`,
      'a text and a number on two objects': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { x: name } ... on Job { x: percent } } }`,
      'two enums on two objects': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { status } ... on Job { status } } }`,
      'nullable and not on two objects': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { x: name } ... on Job { x: message } } }`,
      'a list and one value on two objects': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { x: tags } ... on Job { x: kind } } }`,
      'an object and a leaf on two objects': graphql`
        query ($id: ID!) { node(id: $id) { ... on Droplet { x: cluster { id } } ... on Job { x: message } } }`,
      'different types below one alias on two objects': graphql`
        query ($id: ID!) {
          node(id: $id) {
            ... on Droplet { other: cluster { x: name } }
            ... on Job { other: droplet { x: vcpus } }
          }
        }`,
      'a conflict below one alias within one of two objects': graphql`
        query ($id: ID!) {
          node(id: $id) {
            ... on Droplet { cluster { x: name } }
            ... on Job { id }
            ... on Droplet { cluster { x: description } }
          }
        }`,
      'two inputs of one mutation': graphql`
        mutation ($a: TagDropletInput!, $b: TagDropletInput!) {
          tagDroplet(input: $a) { consistencyToken }
          tagDroplet(input: $b) { consistencyToken }
        }`,
      'two mutations under one alias, across a fragment': graphql`
        mutation ($a: TagDropletInput!, $b: ProtectDropletInput!) {
          a: tagDroplet(input: $a) { consistencyToken }
          ...F
        }
        fragment F on Mutation { a: protectDroplet(input: $b) { consistencyToken } }`,
      'a conflict in introspection': graphql`{ __schema { queryType { x: name x: kind } } }`,
      'a conflict with __typename': graphql`{ droplets(first: 1) { nodes { x: __typename x: name } } }`,
    },
  },
  {
    rule: '5.3.3 Leaf Field Selections',
    valid: {
      'leaves of all kinds': graphql`
        { droplets(first: 1) { nodes { id name status tags protected vcpus version createdAt } } jobs(first: 1) { nodes { parameters } } }`,
      'objects and lists of them with selections': graphql`
        { droplets(first: 1) { nodes { addresses { ip } priceHourly { micros } cluster { id } } } }`,
    },
    invalid: {
      'a scalar with a selection': graphql`{ droplets(first: 1) { nodes { name { length } } } }`,
      'an enum with a selection': graphql`{ droplets(first: 1) { nodes { status { name } } } }`,
      'a list of scalars with a selection': graphql`{ droplets(first: 1) { nodes { tags { name } } } }`,
      'JSON with a selection': graphql`{ jobs(first: 1) { nodes { parameters { key } } } }`,
      '__typename with a selection': graphql`{ __typename { name } }`,
      'a scalar with arguments and a selection': graphql`{ droplets(first: 1) { nodes { name(a: 1) { b } } } }`,
      'an object without a selection': graphql`{ counts }`,
      'a list of objects without a selection': graphql`{ droplets(first: 1) { nodes } }`,
      'an interface without a selection': graphql`query ($id: ID!) { node(id: $id) }`,
      'an object with an empty selection': graphql`{ counts { } }`,
      'a connection without a selection': graphql`{ droplets(first: 1) }`,
      'a mutation without a selection': graphql`mutation ($id: ID!) { protectDroplet(input: { id: $id }) }`,
      'a subscription without a selection': graphql`subscription ($id: ID!) { dropletChanged(id: $id) }`,
      '__schema without a selection': graphql`{ __schema }`,
    },
  },
];
