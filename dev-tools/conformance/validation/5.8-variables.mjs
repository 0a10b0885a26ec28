// Section 5.8 of the specification: variables.

const graphql = String.raw;

// A query with one variable of this type, in a place that takes another.
const first = (type) => `query ($v: ${type}) { droplets(first: $v) { totalCount } }`;
const id = (type) => `query ($v: ${type}) { node(id: $v) { id } }`;
const filter = (type) => `query ($v: ${type}) { droplets(first: 1, filter: $v) { totalCount } }`;
const name = (type) => `query ($v: ${type}) { droplets(first: 1, filter: { name: $v }) { totalCount } }`;
const tags = (type) => `query ($v: ${type}) { droplets(first: 1, filter: { tags: $v }) { totalCount } }`;
const tag = (type) =>
  `query ($v: ${type}) { droplets(first: 1, filter: { tags: ["a", $v] }) { totalCount } }`;
const statuses = (type) =>
  `query ($v: ${type}) { droplets(first: 1, filter: { statuses: $v }) { totalCount } }`;
const direction = (type) =>
  `query ($v: ${type}) { droplets(first: 1, orderBy: { field: NAME, direction: $v }) { totalCount } }`;
const skip = (type) => `query ($v: ${type}) { counts @skip(if: $v) { __typename } }`;
const from = (type) => `query ($v: ${type}) { activity(first: 1, filter: { from: $v }) { nodes { kind } } }`;
const maximum = (type) =>
  `mutation ($name: String!, $v: ${type}) { createCluster(input: { name: $name, maximumNodes: $v }) { consistencyToken } }`;

export default [
  {
    rule: '5.8.1 Variable Uniqueness',
    valid: {
      'two variables': graphql`query ($a: ID!, $b: ID!) { a: node(id: $a) { id } b: node(id: $b) { id } }`,
      'one variable in two operations': graphql`
        query A($a: ID!) { node(id: $a) { id } }
        query B($a: Int!) { droplets(first: $a) { totalCount } }`,
      'a variable with the name of a field, a type and a word of the language': graphql`
        query ($node: ID!, $Droplet: ID!, $query: ID!) {
          a: node(id: $node) { id }
          b: node(id: $Droplet) { id }
          c: node(id: $query) { id }
        }`,
    },
    invalid: {
      'one variable twice': graphql`query ($a: ID!, $a: ID!) { node(id: $a) { id } }`,
      'one variable twice with two types': graphql`query ($a: ID!, $a: Int) { node(id: $a) { id } }`,
      'one variable three times': graphql`query ($a: ID!, $b: Int, $a: ID!, $a: ID!) { node(id: $a) { id } droplets(first: $b) { totalCount } }`,
    },
  },
  {
    rule: '5.8.2 Variables Are Input Types',
    valid: {
      'scalars, enums, inputs and lists': graphql`
        query ($a: Int, $f: DropletFilter, $d: OrderDirection!, $s: [DropletStatus!]) {
          droplets(first: $a, filter: $f, orderBy: { field: NAME, direction: $d }) { totalCount }
          other: droplets(first: $a, filter: { statuses: $s }) { totalCount }
        }`,
    },
    invalid: {
      'an object': graphql`query ($v: Droplet) { droplets(first: 1, filter: $v) { totalCount } }`,
      'an interface': graphql`query ($v: Node!) { node(id: $v) { id } }`,
      'a list of objects': graphql`query ($v: [Droplet!]!) { droplets(first: 1, filter: { tags: $v }) { totalCount } }`,
      'an unknown type': graphql`query ($v: Text) { droplets(first: 1, filter: { name: $v }) { totalCount } }`,
      'an unknown type in a list': graphql`query ($v: [Text!]) { droplets(first: 1, filter: { tags: $v }) { totalCount } }`,
      'an object that nothing uses': graphql`query ($v: Droplet) { counts { __typename } }`,
    },
  },
  {
    rule: '5.8.3 All Variable Uses Defined',
    valid: {
      defined: graphql`query ($id: ID!) { node(id: $id) { id } }`,
      'defined, and used in a fragment': graphql`
        query ($id: ID!) { ...F }
        fragment F on Query { node(id: $id) { id } }`,
      'defined by both operations that use the fragment': graphql`
        query A($id: ID!) { ...F }
        query B($id: ID!) { ...F }
        fragment F on Query { node(id: $id) { id } }`,
    },
    invalid: {
      'not defined': graphql`{ node(id: $id) { id } }`,
      'not defined beside another': graphql`query ($a: ID!) { a: node(id: $a) { id } b: node(id: $b) { id } }`,
      'another case': graphql`query ($id: ID!) { a: node(id: $id) { id } b: node(id: $Id) { id } }`,
      'not defined, in a list': graphql`{ droplets(first: 1, filter: { tags: ["a", $t] }) { totalCount } }`,
      'not defined, in an input object': graphql`{ droplets(first: 1, filter: { name: $n }) { totalCount } }`,
      'not defined, in a directive': graphql`{ counts @skip(if: $b) { __typename } }`,
      'not defined, in a directive of a spread': graphql`
        { ...F @include(if: $b) }
        fragment F on Query { counts { __typename } }`,
      'not defined, in a fragment': graphql`
        { ...F }
        fragment F on Query { node(id: $id) { id } }`,
      'not defined, in a nested fragment': graphql`
        query ($a: ID!) { ...F }
        fragment F on Query { a: node(id: $a) { id } ...G }
        fragment G on Query { b: node(id: $b) { id } }`,
      'defined by one of two operations': graphql`
        query A($id: ID!) { ...F }
        query B { ...F }
        fragment F on Query { node(id: $id) { id } }`,
      'a variable in a default': graphql`query ($a: Int, $b: Int = $a) { droplets(first: $b, last: $a) { totalCount } }`,
    },
  },
  {
    rule: '5.8.4 All Variables Used',
    valid: {
      'used as an argument': graphql`query ($id: ID!) { node(id: $id) { id } }`,
      'used in a directive only': graphql`query ($b: Boolean!) { counts @skip(if: $b) { __typename } }`,
      'used in a list in an input object': graphql`
        query ($t: String!) { droplets(first: 1, filter: { tags: [$t] }) { totalCount } }`,
      'used in a nested fragment': graphql`
        query ($id: ID!) { ...F }
        fragment F on Query { ...G }
        fragment G on Query { node(id: $id) { id } }`,
      'used where nothing is ever included': graphql`
        query ($id: ID!) { counts { __typename } node(id: $id) @include(if: false) { id } }`,
    },
    invalid: {
      unused: graphql`query ($id: ID!) { counts { __typename } }`,
      'unused with a default': graphql`query ($n: Int = 1) { counts { __typename } }`,
      'one of two unused': graphql`query ($id: ID!, $n: Int) { node(id: $id) { id } }`,
      'used by another operation': graphql`
        query A($id: ID!) { counts { __typename } }
        query B($id: ID!) { node(id: $id) { id } }`,
      'used by a fragment of another operation': graphql`
        query A($id: ID!) { counts { __typename } }
        query B($id: ID!) { ...F }
        fragment F on Query { node(id: $id) { id } }`,
      'unused in a mutation': graphql`
        mutation ($i: TagDropletInput!, $n: Int) { tagDroplet(input: $i) { consistencyToken } }`,
      'unused in a subscription': graphql`
        subscription ($id: ID!, $n: Int) { dropletChanged(id: $id) { cursor } }`,
      'the name as a text': graphql`query ($id: ID!) { node(id: "$id") { id } }`,
    },
  },
  {
    rule: '5.8.5 All Variable Usages Are Allowed: types',
    valid: {
      'Int for Int': first('Int'),
      'Int! for Int': first('Int!'),
      'ID! for ID!': id('ID!'),
      'DropletFilter! for DropletFilter': filter('DropletFilter!'),
      'String! for String in an input object': name('String!'),
      'OrderDirection! in an input object': direction('OrderDirection!'),
      'DateTime for DateTime': from('DateTime'),
    },
    invalid: {
      'String for Int': first('String'),
      'Float for Int': first('Float'),
      'ID for Int': first('ID'),
      'Int! for ID!': id('Int!'),
      'String! for ID!': id('String!'),
      'ID! for String': name('ID!'),
      'Int for String in an input object': name('Int'),
      'JobFilter for DropletFilter': filter('JobFilter'),
      'String for an input object': filter('String'),
      'String! for an enum': direction('String!'),
      'another enum': direction('DropletOrderField!'),
      'String for DateTime': from('String'),
      'String! for Boolean!': skip('String!'),
      'String! for Int!, in a mutation': maximum('String!'),
      'a fragment used by two operations, one of them wrong': graphql`
        query A($v: ID!) { ...F }
        query B($v: String!) { ...F }
        fragment F on Query { node(id: $v) { id } }`,
      'a wrong use beside a right one': graphql`
        query ($v: String!) { droplets(first: 1, filter: { name: $v, tags: [$v] }) { totalCount } node(id: $v) { id } }`,
    },
  },
  {
    rule: '5.8.5 All Variable Usages Are Allowed: null',
    valid: {
      'a default makes a nullable variable fit': id('ID = "a"'),
      'a default makes a nullable truth value fit': skip('Boolean = false'),
      'a default makes a nullable enum fit': direction('OrderDirection = ASCENDING'),
      'the default of the position makes a nullable variable fit': maximum('Int'),
      'the default of the position, with a default of null': maximum('Int = null'),
      'the default of an argument of introspection': graphql`
        query ($v: Boolean) { __type(name: "Job") { fields(includeDeprecated: $v) { name } } }`,
    },
    invalid: {
      'ID for ID!': id('ID'),
      'Boolean for Boolean!': skip('Boolean'),
      'OrderDirection for OrderDirection!': direction('OrderDirection'),
      'a default of null does not make it fit': id('ID = null'),
      'a default of null for a truth value': skip('Boolean = null'),
      'String for String! in a list': tag('String'),
      'a nullable input of a mutation': graphql`
        mutation ($i: TagDropletInput) { tagDroplet(input: $i) { consistencyToken } }`,
      'ID for ID! through a fragment': graphql`
        query ($v: ID) { ...F }
        fragment F on Query { node(id: $v) { id } }`,
    },
  },
  {
    rule: '5.8.5 All Variable Usages Are Allowed: lists',
    valid: {
      '[String!] for [String!]': tags('[String!]'),
      '[String!]! for [String!]': tags('[String!]!'),
      'String! in a list of String!': tag('String!'),
      'String with a default in a list of String!': tag('String = "b"'),
      '[DropletStatus!] for [DropletStatus!]': statuses('[DropletStatus!]'),
    },
    invalid: {
      '[String] for [String!]': tags('[String]'),
      '[String]! for [String!]': tags('[String]!'),
      '[String] with a default for [String!]': tags('[String] = ["a"]'),
      'String for [String!]': tags('String'),
      'String! for [String!]': tags('String!'),
      '[[String!]] for [String!]': tags('[[String!]]'),
      '[String!] in a list of String!': tag('[String!]'),
      'String with a default of null in a list of String!': tag('String = null'),
      '[DropletStatus] for [DropletStatus!]': statuses('[DropletStatus]'),
      'DropletStatus! for [DropletStatus!]': statuses('DropletStatus!'),
      '[JobStatus!] for [DropletStatus!]': statuses('[JobStatus!]'),
      '[Int] for Int': first('[Int]'),
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: defaults of variables',
    valid: {
      'of their types': graphql`
        query ($n: Int = 1, $f: DropletFilter = { name: "a" }, $s: [DropletStatus!] = [ACTIVE]) {
          a: droplets(first: $n, filter: $f) { totalCount }
          b: droplets(first: $n, filter: { statuses: $s }) { totalCount }
        }`,
      'one value for a list': tags('[String!] = "a"'),
      'a number for an ID': id('ID! = 4'),
      'null for a nullable one': first('Int = null'),
      'a default of a variable that must not be null': first('Int! = 1'),
    },
    invalid: {
      'a text for Int': first('Int = "1"'),
      'a number too large for Int': first('Int = 2147483648'),
      'null for Int!': first('Int! = null'),
      'a number for String': name('String = 1'),
      'a text for an enum': direction('OrderDirection = "ASCENDING"'),
      'an unknown value of an enum': direction('OrderDirection = SIDEWAYS'),
      'an unknown field of an input object': filter('DropletFilter = { colour: "blue" }'),
      'null in a list': tags('[String!] = [null]'),
      'a number in a list': tags('[String!] = ["a", 1]'),
      'no time': from('DateTime = "soon"'),
      'a text for a truth value': skip('Boolean = "false"'),
    },
  },
];
