// Section 5.6 of the specification: literals, and the fields of input objects.
// `ONE_OF` stands for the type of `SubmitJobInput.target`; documents with it wait for a schema that has it.

const graphql = String.raw;

// A literal as the argument of a query, and as the input of a mutation that always lacks a variable.
const droplets = (argument) => `{ droplets(first: 1, ${argument}) { totalCount } }`;
const activity = (filter) => `{ activity(first: 1, filter: { ${filter} }) { nodes { kind } } }`;
const rename = (fields) =>
  `mutation ($id: ID!) { renameDroplet(input: { id: $id, ${fields} }) { consistencyToken } }`;
const cluster = (fields) =>
  `mutation ($name: String!) { createCluster(input: { name: $name, ${fields} }) { consistencyToken } }`;
const active = (addresses) =>
  `mutation ($id: ID!) { reportDropletActive(input: { id: $id, addresses: ${addresses} }) { consistencyToken } }`;
const succeed = (result) =>
  `mutation ($id: ID!) { succeedJob(input: { id: $id, result: ${result} }) { consistencyToken } }`;
const target = (value) =>
  `mutation ($kind: String!) { submitJob(input: { kind: $kind, target: ${value} }) { consistencyToken } }`;

export default [
  {
    rule: '5.6.1 Values of Correct Type: Int',
    valid: {
      'the largest': graphql`{ droplets(first: 2147483647) { totalCount } }`,
      'the smallest': graphql`{ droplets(first: -2147483648) { totalCount } }`,
      'negative zero': graphql`{ droplets(first: -0) { totalCount } }`,
      'null for a nullable one': graphql`{ droplets(first: null) { totalCount } }`,
    },
    invalid: {
      'one too large': graphql`{ droplets(first: 2147483648) { totalCount } }`,
      'one too small': graphql`{ droplets(first: -2147483649) { totalCount } }`,
      'digits without end': graphql`{ droplets(first: 123456789012345678901234567890) { totalCount } }`,
      'a fraction': graphql`{ droplets(first: 1.5) { totalCount } }`,
      'a whole number written as a fraction': graphql`{ droplets(first: 1.0) { totalCount } }`,
      'an exponent': graphql`{ droplets(first: 1e1) { totalCount } }`,
      'a text': graphql`{ droplets(first: "1") { totalCount } }`,
      'a truth value': graphql`{ droplets(first: true) { totalCount } }`,
      'an enum value': graphql`{ droplets(first: ALL) { totalCount } }`,
      'a list': graphql`{ droplets(first: [1]) { totalCount } }`,
      'an object': graphql`{ droplets(first: {}) { totalCount } }`,
      'a wrong default of an input': cluster('maximumNodes: "8"'),
      'null for one with a default': cluster('maximumNodes: null'),
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: String',
    valid: {
      'a text': droplets('filter: { name: "a" }'),
      'an empty text': droplets('filter: { name: "" }'),
      'a block string': droplets('filter: { name: """a""" }'),
      'null for a nullable one': droplets('filter: { name: null }'),
    },
    invalid: {
      'a number': droplets('filter: { name: 1 }'),
      'a fraction': droplets('filter: { name: 1.5 }'),
      'a truth value': droplets('filter: { name: true }'),
      'a bare word': droplets('filter: { name: blue }'),
      'a list': droplets('filter: { name: ["a"] }'),
      'an object': droplets('filter: { name: {} }'),
      'null for one that must not be null': rename('name: null'),
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: Boolean',
    valid: {
      'true and false': graphql`{ counts @skip(if: false) { __typename } catalogue @include(if: true) { date } }`,
    },
    invalid: {
      'a number': graphql`{ counts @skip(if: 1) { __typename } }`,
      'a text': graphql`{ counts @skip(if: "true") { __typename } }`,
      'a bare word': graphql`{ counts @skip(if: TRUE) { __typename } }`,
      'a list': graphql`{ counts @skip(if: [true]) { __typename } }`,
      'a fraction': graphql`{ counts @include(if: 1.0) { __typename } }`,
      'a text for an argument of introspection': graphql`{ __type(name: "Job") { fields(includeDeprecated: "true") { name } } }`,
      'null for fields of introspection': graphql`{ __type(name: "Job") { fields(includeDeprecated: null) { name } } }`,
      'null for input fields of introspection': graphql`{ __type(name: "DropletFilter") { inputFields(includeDeprecated: null) { name } } }`,
      'null for values of introspection': graphql`{ __type(name: "JobState") { enumValues(includeDeprecated: null) { name } } }`,
      'null for arguments of introspection': graphql`{ __type(name: "Query") { fields { args(includeDeprecated: null) { name } } } }`,
      'null for arguments of directives': graphql`{ __schema { directives { args(includeDeprecated: null) { name } } } }`,
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: ID',
    valid: {
      'a text': graphql`{ node(id: "a") { id } }`,
      'a number': graphql`{ node(id: 4) { id } }`,
      'a number of many digits': graphql`{ node(id: 123456789012345678901234567890) { id } }`,
      'a negative number': graphql`{ node(id: -4) { id } }`,
      'a block string': graphql`{ node(id: """a""") { id } }`,
    },
    invalid: {
      'a fraction': graphql`{ node(id: 1.0) { id } }`,
      'an exponent': graphql`{ node(id: 1e3) { id } }`,
      'a truth value': graphql`{ node(id: true) { id } }`,
      'a bare word': graphql`{ node(id: a) { id } }`,
      'a list': graphql`{ node(id: ["a"]) { id } }`,
      'an object': graphql`{ node(id: { a: 1 }) { id } }`,
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: enums',
    valid: {
      'a value': droplets('orderBy: { field: NAME, direction: ASCENDING }'),
      'a list of values': droplets('filter: { statuses: [ACTIVE, FAILED] }'),
    },
    invalid: {
      'an unknown value': droplets('orderBy: { field: COLOUR, direction: ASCENDING }'),
      'a text': droplets('orderBy: { field: "NAME", direction: ASCENDING }'),
      'another case': droplets('orderBy: { field: name, direction: ASCENDING }'),
      'a value of another enum': droplets('orderBy: { field: NAME, direction: NAME }'),
      'a number': droplets('orderBy: { field: 1, direction: ASCENDING }'),
      'a truth value': droplets('filter: { statuses: [true] }'),
      'an unknown value in a list': droplets('filter: { statuses: [ACTIVE, BROKEN] }'),
      'texts in a list': droplets('filter: { statuses: ["ACTIVE"] }'),
      'a text beside a value in a list': droplets('filter: { statuses: [ACTIVE, "FAILED"] }'),
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: lists',
    valid: {
      'a list': droplets('filter: { tags: ["a", "b"] }'),
      'an empty list': droplets('filter: { tags: [] }'),
      'one value for a list': droplets('filter: { tags: "a" }'),
      'one enum value for a list': droplets('filter: { statuses: ACTIVE }'),
      'null for a nullable list': droplets('filter: { tags: null }'),
      'a list of objects': active('[{ kind: PUBLIC, ip: "10.0.0.1" }]'),
      'one object for a list': active('{ kind: PUBLIC, ip: "10.0.0.1" }'),
    },
    invalid: {
      'null in a list of values that must not be null': droplets('filter: { tags: [null] }'),
      'null beside a value in a list': droplets('filter: { tags: ["a", null] }'),
      'a number in a list of texts': droplets('filter: { tags: ["a", 1] }'),
      'a number for a list of texts': droplets('filter: { tags: 1 }'),
      'a list in a list': droplets('filter: { tags: [["a"]] }'),
      'an empty list in a list': droplets('filter: { tags: [[]] }'),
      'an object for a list of texts': droplets('filter: { tags: {} }'),
      'null for a list with a default that must not be null': active('null'),
      'a text for a list of objects': active('"10.0.0.1"'),
      'an object of another shape in a list': active('[{ ip: "10.0.0.1" }]'),
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: input objects',
    valid: {
      'an object': droplets('filter: { name: "a" }'),
      'an empty object': droplets('filter: {}'),
    },
    invalid: {
      'a text': droplets('filter: "a"'),
      'a number': droplets('filter: 1'),
      'a list': droplets('filter: [{ name: "a" }]'),
      'an empty list': droplets('filter: []'),
      'an enum value': droplets('filter: ALL'),
      'a truth value': droplets('filter: true'),
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: DateTime',
    valid: {
      'in UTC': activity('from: "2026-11-01T12:00:00Z"'),
      'with decimals': activity('from: "2026-11-01T12:00:00.123456Z"'),
      'with an offset': activity('from: "2026-11-01T12:00:00+05:30"'),
      'in small letters': activity('from: "2026-11-01t12:00:00z"'),
      null: activity('from: null'),
    },
    invalid: {
      'a word': activity('from: "yesterday"'),
      'a date': activity('from: "2026-11-01"'),
      'no offset': activity('from: "2026-11-01T12:00:00"'),
      'an empty text': activity('from: ""'),
      'a number': activity('from: 1793534400'),
      'a month that does not exist': activity('from: "2026-13-01T12:00:00Z"'),
      'a day that does not exist': activity('from: "2026-02-30T12:00:00Z"'),
      'an hour that does not exist': activity('from: "2026-11-01T24:00:00Z"'),
      'a bare word': activity('from: NOW'),
      'a wrong time in the input of a mutation': rename('name: "a", occurredAt: "soon"'),
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: JSON',
    valid: {
      'an object': succeed('{ a: 1, b: [true, null, "x", 1.5], c: {} }'),
      'a list': succeed('[1, "a", [2]]'),
      'a text': succeed('"a"'),
      'a number': succeed('1.5e3'),
      null: succeed('null'),
      'a variable within': graphql`
        mutation ($id: ID!, $x: Int) { succeedJob(input: { id: $id, result: { a: [$x] } }) { consistencyToken } }`,
    },
    invalid: {
      'a field twice': succeed('{ a: 1, a: 2 }'),
      'a field twice, deep within': succeed('{ x: [{ a: 1, a: 1 }] }'),
      'a variable within that is not defined': succeed('{ a: [$x] }'),
    },
  },
  {
    rule: '5.6.2 Input Object Field Names',
    valid: {
      'known fields': droplets('filter: { name: "a", statuses: [ACTIVE], regions: [], cluster: null }'),
    },
    invalid: {
      'an unknown field': droplets('filter: { colour: "blue" }'),
      'an unknown field that is null': droplets('filter: { colour: null }'),
      'a field in another case': droplets('filter: { Name: "a" }'),
      'a field of another input': droplets('filter: { kinds: ["a"] }'),
      'an unknown field in a list': active('[{ kind: PUBLIC, ip: "10.0.0.1", port: 22 }]'),
      'an unknown field in the input of a mutation': rename('name: "a", force: true'),
      __typename: droplets('filter: { __typename: "DropletFilter" }'),
    },
  },
  {
    rule: '5.6.3 Input Object Field Uniqueness',
    valid: {
      'one field in two objects': active(
        '[{ kind: PUBLIC, ip: "10.0.0.1" }, { kind: PRIVATE, ip: "10.0.0.2" }]',
      ),
    },
    invalid: {
      'a field twice': droplets('filter: { name: "a", name: "b" }'),
      'a field twice with one value': droplets('filter: { name: "a", name: "a" }'),
      'a field twice in a list': active('[{ kind: PUBLIC, ip: "10.0.0.1", ip: "10.0.0.2" }]'),
      'a field twice in the input of a mutation': rename('name: "a", name: "b"'),
      'a field twice in a default': graphql`
        query ($f: DropletFilter = { name: "a", name: "b" }) { droplets(first: 1, filter: $f) { totalCount } }`,
    },
  },
  {
    rule: '5.6.4 Input Object Required Fields',
    valid: {
      'all required fields': droplets('orderBy: { field: NAME, direction: ASCENDING }'),
      'fields with defaults left out': cluster('description: "a"'),
    },
    invalid: {
      'a required field left out': droplets('orderBy: { field: NAME }'),
      'all required fields left out': droplets('orderBy: {}'),
      'null for a required field': droplets('orderBy: { field: NAME, direction: null }'),
      'a required field left out in a list': active('[{ kind: PUBLIC }]'),
      'a required field of a mutation left out': rename('occurredAt: null'),
      'a required field left out in a default': graphql`
        query ($o: DropletOrder = { field: NAME }) { droplets(first: 1, orderBy: $o) { totalCount } }`,
    },
  },
  {
    rule: '5.6.1 Values of Correct Type: @oneOf',
    needs: 'SubmitJobInput.target',
    valid: {
      'the first field': target('{ droplet: "a" }'),
      'the second field': target('{ clusterLabel: "a" }'),
      'a variable that must not be null': graphql`
        mutation ($kind: String!, $d: ID!) { submitJob(input: { kind: $kind, target: { droplet: $d } }) { consistencyToken } }`,
      'a variable of its type': graphql`
        mutation ($kind: String!, $t: ONE_OF!) { submitJob(input: { kind: $kind, target: $t }) { consistencyToken } }`,
    },
    // graphql-js 17.1 lets a nullable variable stand there, and fails when it is null.
    departs: {
      'a nullable variable': '5.8.5, All Variable Usages Are Allowed',
      'a nullable variable with a default': '5.8.5, All Variable Usages Are Allowed',
    },
    invalid: {
      'no field': target('{}'),
      'two fields': target('{ droplet: "a", clusterLabel: "b" }'),
      'a field and null': target('{ droplet: "a", clusterLabel: null }'),
      'null in its only field': target('{ droplet: null }'),
      'an unknown field': target('{ region: "a" }'),
      'a variable beside a field': graphql`
        mutation ($kind: String!, $d: ID!) {
          submitJob(input: { kind: $kind, target: { droplet: $d, clusterLabel: "b" } }) { consistencyToken }
        }`,
      'a nullable variable': graphql`
        mutation ($kind: String!, $d: ID) { submitJob(input: { kind: $kind, target: { droplet: $d } }) { consistencyToken } }`,
      'a nullable variable with a default': graphql`
        mutation ($kind: String!, $d: ID = "a") {
          submitJob(input: { kind: $kind, target: { droplet: $d } }) { consistencyToken }
        }`,
      'a default with two fields': graphql`
        mutation ($kind: String!, $t: ONE_OF = { droplet: "a", clusterLabel: "b" }) {
          submitJob(input: { kind: $kind, target: $t }) { consistencyToken }
        }`,
    },
  },
];
