// Section 5.1 of the specification: what a document may consist of.

const graphql = String.raw;

export default [
  {
    rule: '5.1.1 Executable Definitions',
    valid: {
      'one operation': graphql`{ counts { __typename } }`,
      'an operation and a fragment': graphql`
        query Q { ...F }
        fragment F on Query { counts { __typename } }`,
    },
    invalid: {
      'a type beside an operation': graphql`
        query Q { counts { __typename } }
        type Extra { id: ID! }`,
      'an extension of a type': graphql`
        query Q { droplets(first: 1) { nodes { extra } } }
        extend type Droplet { extra: String }`,
      'a directive that is defined': graphql`
        query Q { counts { __typename } }
        directive @mine on FIELD`,
      'a schema': graphql`
        query Q { counts { __typename } }
        schema { query: Query }`,
      'an extended schema': graphql`
        query Q { counts { __typename } }
        extend schema @mine`,
      'a scalar, an enum and an input': graphql`
        query Q { counts { __typename } }
        scalar S
        enum E { A }
        input I { a: Int }`,
    },
  },
];
