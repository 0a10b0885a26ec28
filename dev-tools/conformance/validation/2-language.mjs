// Section 2 of the specification: the characters, tokens and grammar of a document.

const graphql = String.raw;

// A document with this literal as a text, and one with this literal as a number.
const text = (literal) => `{ droplets(first: 1, filter: { name: ${literal} }) { totalCount } }`;
const number = (literal) =>
  `mutation ($id: ID!) { succeedJob(input: { id: $id, result: [${literal}] }) { consistencyToken } }`;

export default [
  {
    rule: '2 Source Text: Ignored Tokens',
    valid: {
      'a byte order mark': '\uFEFF{ counts { __typename } }',
      'byte order marks between tokens': '{\uFEFFcounts \uFEFF{ __typename }\uFEFF}',
      'commas everywhere': ',{,counts,,{,__typename,},},',
      'commas instead of spaces': '{counts{__typename},catalogue{date}}',
      'tabs and all line ends': '{\tcounts\r{\r\n\t__typename\n}\r}\n',
      comments: '# a\n{ # { "\ncounts # }\r{ __typename } #\n}\n# the end',
      'a comment of other scripts and signs': '{ counts { __typename } } # ü 漢 😀 \t "',
      'an empty comment at the end': '{ counts { __typename } }\n#',
      'spaces in arguments and directives':
        '{ droplets ( first : 1 , filter : { name : "a" } ) @ skip ( if : false ) { totalCount } }',
      'spaces in types':
        'query ( $ t : [ String ! ] ! = [ ] ) { droplets(first: 1, filter: { tags: $ t }) { totalCount } }',
      'comments and line ends in types':
        'query ($t: [ # a\n String # b\r\n ! ,,] ! ) { droplets(first: 1, filter: { tags: $t }) { totalCount } }',
      'spaces after the dots of a spread':
        '{ ... F ... on Query { catalogue { date } } }\nfragment F on Query { counts { __typename } }',
      'no spaces at all':
        'query($n:Int=1){droplets(first:$n,filter:{tags:["a""b"]}){totalCount}...on Query{counts{__typename}}}',
      'spaces around an alias': '{ a : counts { b\n:\n__typename } }',
    },
    invalid: {
      nothing: '',
      'only a comment': '# nothing',
      'only commas': ', , ,',
      'a no-break space': '{\u00a0counts { __typename } }',
      'a vertical tab': '{\u000bcounts { __typename } }',
      'a line separator': '{\u2028counts { __typename } }',
      'a semicolon': '{ counts { __typename }; }',
      'a character outside of texts': '{ cöunts { __typename } }',
      'a NUL': '{ counts { __typename }\u0000 }',
      'two dots': '{ ..F }\nfragment F on Query { counts { __typename } }',
      'spaces within dots': '{ . .. F }\nfragment F on Query { counts { __typename } }',
      'an ampersand': '{ counts & { __typename } }',
      'a text as a comment of C': '{ counts { __typename } } // a',
    },
  },
  {
    rule: '2 Source Text: Names',
    valid: {
      'underscores and digits': '{ _a1: counts { _: __typename __x9_: __typename } }',
      'words of the language as names': graphql`
        query query($on: ID!, $fragment: ID!, $true: ID!) {
          mutation: node(id: $on) { ...subscription }
          null: node(id: $fragment) { on: id }
          fragment: node(id: $true) { id }
          true: __typename
        }
        fragment subscription on Node { type: id }`,
    },
    invalid: {
      'a digit first': '{ 1a: counts { __typename } }',
      'a hyphen': '{ a-b: counts { __typename } }',
      'a dollar without a name': 'query ($: Int) { droplets(first: $) { totalCount } }',
      'a fragment of the name on': '{ ...on }\nfragment on on Query { counts { __typename } }',
      'a name right after a number': '{ droplets(first: 1filter: {}) { totalCount } }',
    },
  },
  {
    rule: '2 Input Values: Int and Float',
    valid: {
      whole: number('0, -0, 7, -12, 1234567890123456789'),
      'fractions and exponents': number('0.0, -1.5, 1e10, 1E+5, 6.02e-23, -0.1E0'),
    },
    invalid: {
      'a zero first': number('01'),
      'a zero first, negative': number('-01'),
      'no digit after the point': number('1.'),
      'no digit before the point': number('.5'),
      'a plus': number('+1'),
      'a lone minus': number('-'),
      'an exponent without digits': number('1e'),
      'a fraction right before a name': number('1.5x'),
      'two points': number('1.5.6'),
      'a hexadecimal number': number('0x1F'),
      'a group of digits': number('1_000'),
    },
  },
  {
    rule: '2 Input Values: String',
    valid: {
      'all short escapes': text(graphql`"\" \\ \/ \b \f \n \r \t"`),
      'four digits': text(graphql`"\u0041\u00e9\u6F22\uABCD"`),
      braces: text(graphql`"\u{41}\u{1F600}\u{00000041}"`),
      'the largest code point': text(graphql`"\u{10FFFF}\uDBFF\uDFFF"`),
      'a surrogate pair': text(graphql`"\uD83D\uDE00"`),
      'a surrogate pair beside others': text(graphql`"a\uD83D\uDE00\u0062\uD83D\uDE01"`),
      'characters beyond 16 bits': text('"😀 漢 é"'),
      'a tab': text('"a\tb"'),
      'a hash': text('"# no comment"'),
      'a byte order mark': text('"\uFEFF"'),
      'control characters': text('"\u0007\u001b\u007f\u0085"'),
      'control characters in a comment': '# \u0007\u001b\n{ counts { __typename } }',
      'escapes in a default': graphql`query ($n: String = "\u{1F600}\uD83D\uDE00") { droplets(first: 1, filter: { name: $n }) { totalCount } }`,
      'escapes in a directive': graphql`{ counts @idempotent(key: "\u{6b}") { __typename } }`,
    },
    invalid: {
      'an unknown escape': text(graphql`"\x41"`),
      'a capital escape': text(graphql`"\U0041"`),
      'an escaped apostrophe': text(graphql`"\'"`),
      'too few digits': text(graphql`"\u041"`),
      'a letter that is no digit': text(graphql`"\u004G"`),
      'empty braces': text(graphql`"\u{}"`),
      'open braces': text(graphql`"\u{41"`),
      'beyond the last code point': text(graphql`"\u{110000}"`),
      'far beyond the last code point': text(graphql`"\u{100000000041}"`),
      'a surrogate in braces': text(graphql`"\u{D83D}\u{DE00}"`),
      'a high surrogate alone': text(graphql`"\uD83D"`),
      'a low surrogate alone': text(graphql`"\uDE00"`),
      'a pair in the wrong order': text(graphql`"\uDE00\uD83D"`),
      'a high surrogate before another character': text(graphql`"\uD83D\u0041"`),
      'a high surrogate before a low one in braces': text(graphql`"\uD83D\u{DE00}"`),
      'a line end': text('"a\nb"'),
      'a carriage return': text('"a\rb"'),
      'no end': '{ droplets(first: 1, filter: { name: "a }) { totalCount } }',
      'a quote too many': text('"a""'),
      apostrophes: text("'a'"),
      'a backslash at the end': text(graphql`"a\"`),
      'letters in other notation': text('`a`'),
    },
  },
  {
    rule: '2 Input Values: Block String',
    valid: {
      'one line': text('"""a"""'),
      empty: text('""""""'),
      'lines and indents': text('"""\n    a\n      b\r\n\tc\r  """'),
      quotes: text('""" "a" and ""b"" """'),
      'escaped quotes': text(graphql`"""say \"""hi\""" now"""`),
      'escaped quotes at the end': text(graphql`"""\""""""`),
      'backslashes that escape nothing': text(graphql`"""\n \u004 \x \ \\ \" """`),
      'a quote at the beginning': text('""""a" """'),
      'a comment that is none': text('"""# a\n# b"""'),
      'characters beyond 16 bits': text('"""😀\n漢"""'),
    },
    invalid: {
      'no end': '{ droplets(first: 1, filter: { name: """a"" }) { totalCount } }',
      'an escaped end': text(graphql`"""a\"""`),
      'a quote too many': text('"""a""""'),
      'five quotes': text('"""""'),
    },
  },
  {
    rule: '2 Descriptions',
    valid: {
      'of a query': '"Counts all." query Q { counts { __typename } }',
      'of a query, as a block': '"""\nCounts\nall.\n"""\nquery Q { counts { __typename } }',
      'of an anonymous query': '"Counts all." query { counts { __typename } }',
      'of a fragment': '{ ...F }\n"The counts." fragment F on Query { counts { __typename } }',
      'of a variable': 'query ("How many." $n: Int = 1) { droplets(first: $n) { totalCount } }',
      'of variables, with defaults':
        'query ("""How many.""" $n: Int = 1, "Which." $t: [String!] = ["a"]) { droplets(first: $n, filter: { tags: $t }) { totalCount } }',
      'of everything': `
        "A" mutation M("B" $i: TagDropletInput!) { ...F }
        """C""" fragment F on Mutation { tagDroplet(input: $i) { consistencyToken } }`,
      'of a subscription':
        '"Follows." subscription ("Which." $id: ID!) { dropletChanged(id: $id) { cursor } }',
      empty: '"" query { counts { __typename } }',
      'with escapes': '"\\u{1F600} \\uD83D\\uDE00 \\n \\"" query { counts { __typename } }',
    },
    invalid: {
      'with an unknown escape': '"\\q" query { counts { __typename } }',
      'with half a character': '"\\u{D800}" query { counts { __typename } }',
      'of a variable, with an unknown escape': 'query ("\\u{110000}" $n: Int = 1) { droplets(first: $n) { totalCount } }',
      'of a query without the keyword': '"Counts all." { counts { __typename } }',
      'of a field': '{ "The counts." counts { __typename } }',
      'of an argument': '{ droplets("How many." first: 1) { totalCount } }',
      'of nothing': '{ counts { __typename } } "The end."',
      twice: '"A" "B" query { counts { __typename } }',
      'after the keyword': 'query "A" Q { counts { __typename } }',
      'of a spread': '{ "A" ...F }\nfragment F on Query { counts { __typename } }',
      'by a name': 'Counts query { counts { __typename } }',
    },
  },
  {
    rule: '2 Language: grammar',
    valid: {
      'an operation with everything': graphql`
        query Q($a: Int = 1, $f: DropletFilter = { tags: [] }, $b: Boolean! = true) {
          list: droplets(first: $a, filter: $f) @include(if: $b) {
            ... on DropletConnection @skip(if: false) { nodes { ... { id } } }
            ...F @include(if: $b)
          }
        }
        fragment F on DropletConnection { totalCount }`,
      'empty lists and objects': droplets('filter: { tags: [], statuses: [] }, orderBy: null'),
    },
    invalid: {
      'a brace that is not closed': '{ counts { __typename }',
      'a brace too many': '{ counts { __typename } } }',
      'an empty selection': '{ }',
      'an operation without a selection': 'query Q',
      'an empty list of variables': 'query () { counts { __typename } }',
      'an alias without a field': '{ a: }',
      'an alias of an alias': '{ a: b: counts { __typename } }',
      'an alias of a spread': '{ a: ...F }\nfragment F on Query { counts { __typename } }',
      'an argument without a value': '{ droplets(first: ) { totalCount } }',
      'an argument without a colon': '{ droplets(first 1) { totalCount } }',
      'a variable without a type': 'query ($a) { droplets(first: $a) { totalCount } }',
      'a variable without a dollar': 'query (a: Int) { droplets(first: a) { totalCount } }',
      'a type with two exclamation marks': 'query ($a: Int!!) { droplets(first: $a) { totalCount } }',
      'an empty list type': 'query ($a: []) { droplets(first: 1, filter: { tags: $a }) { totalCount } }',
      'a list that is not closed': '{ droplets(first: 1, filter: { tags: ["a" }) { totalCount } }',
      'an object that is not closed': '{ droplets(first: 1, filter: { name: "a" ) { totalCount } }',
      'a fragment without a type': '{ ...F }\nfragment F { counts { __typename } }',
      'a fragment without a name': '{ ...F }\nfragment on Query { counts { __typename } }',
      'a fragment with variables':
        '{ ...F(a: 1) }\nfragment F($a: Int) on Query { droplets(first: $a) { totalCount } }',
      'a fragment that is empty': '{ ...F }\nfragment F on Query { }',
      'a directive without a name': '{ counts @ { __typename } }',
      'a directive before its field': '{ @skip(if: false) counts { __typename } }',
      'a directive before the arguments': '{ droplets @skip(if: false) (first: 1) { totalCount } }',
      'a directive in a default': 'query ($a: Int = 1 @skip(if: $a)) { droplets(first: $a) { totalCount } }',
      'a name after the operation': '{ counts { __typename } } Q',
      'a field without braces around it': 'counts { __typename }',
      'a variable as an enum value':
        '{ droplets(first: 1, orderBy: { field: $, direction: ASCENDING }) { totalCount } }',
      'the keyword in capitals': 'Query { counts { __typename } }',
      'a schema coordinate': '{ Query.counts { __typename } }',
    },
  },
];

function droplets(argument) {
  return `{ droplets(first: 1, ${argument}) { totalCount } }`;
}
