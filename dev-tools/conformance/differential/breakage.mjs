// Random faults in documents. A fault need not make a document invalid: the reference judges the outcome.

import { Kind, isCompositeType, isInputType, print, visit } from 'graphql';
import {
  argument,
  definition,
  directive,
  field,
  fragment,
  inline,
  literal,
  name,
  namedType,
  operation,
  spread,
  Ref,
} from './ast.mjs';
import { wrongValue } from './values.mjs';

/** Returns a function that changes a document in one place. */
export function breaker(schema) {
  const types = Object.values(schema.getTypeMap());
  const fields = [
    ...new Set(
      types
        .filter((type) => isCompositeType(type) && type.getFields)
        .flatMap((type) => Object.keys(type.getFields())),
    ),
  ];
  const composites = [...types.filter(isCompositeType), schema.getType('String')].map((type) => type.name);
  const inputs = types
    .filter((type) => isInputType(type) && !type.name.startsWith('__'))
    .map((type) => type.name);

  // Each fault takes what is found in the document and changes it; it returns false if there is nothing to
  // change.
  const FAULTS = {
    anotherField: ({ fields: found, random }) =>
      change(random.pick(found), (node) => (node.name = name(random.pick([...fields, 'nothing'])))),
    alias: ({ sets, random }) =>
      change(random.pick(sets), ({ selections }) => {
        const of = selections.filter(({ kind }) => kind === Kind.FIELD);
        const shown = of.map((node) => (node.alias ?? node.name).value);
        if (of.length > 0) random.pick(of).alias = name(random.pick([...shown, 'x', 'id']));
      }),
    conflict: ({ sets, random }) =>
      change(random.pick(sets), (set) => {
        const node = random.pick(set.selections.filter(({ kind }) => kind === Kind.FIELD));
        if (!node) return;
        const copy = structuredClone(node);
        const given = random.pick(copy.arguments ?? []);
        if (given) given.value = literal(wrongValue(random));
        else copy.arguments = [argument('first', literal(1))];
        set.selections.push(random.chance(0.5) ? inline(undefined, [copy]) : copy);
      }),
    conflictBelow: ({ sets, random }) =>
      change(random.pick(sets), (set) => {
        const node = random.pick(set.selections.filter((one) => one.kind === Kind.FIELD && one.selectionSet));
        if (!node) return;
        const copy = structuredClone(node);
        for (const inner of copy.selectionSet.selections)
          if (inner.kind === Kind.FIELD) inner.alias = name(random.pick(['id', 'name', 'status']));
        set.selections.push(copy);
      }),
    transplant: ({ sets, random }) =>
      change(random.pick(sets), (set) =>
        set.selections.push(structuredClone(random.pick(random.pick(sets).selections))),
      ),
    noSelection: ({ fields: found, random }) =>
      change(
        random.pick(found.filter((node) => node.selectionSet)),
        (node) => (node.selectionSet = undefined),
      ),
    selectionOfLeaf: ({ fields: found, random }) =>
      change(
        random.pick(found.filter((node) => !node.selectionSet)),
        (node) => (node.selectionSet = { kind: Kind.SELECTION_SET, selections: [field('id')] }),
      ),
    dropArgument: ({ withArguments, random }) =>
      change(random.pick(withArguments), (node) => (node.arguments = node.arguments.slice(1))),
    doubleArgument: ({ withArguments, random }) =>
      change(random.pick(withArguments), (node) => node.arguments.push(structuredClone(node.arguments[0]))),
    extraArgument: ({ fields: found, random }) =>
      change(
        random.pick(found),
        (node) =>
          (node.arguments = [
            ...(node.arguments ?? []),
            argument(random.pick(['first', 'id', 'filter', 'extra']), literal(wrongValue(random))),
          ]),
      ),
    anotherValue: ({ values, random }) =>
      change(random.pick(values), (node) => (node.value = literal(wrongValue(random)))),
    anotherFieldOfInput: ({ values, random }) =>
      change(random.pick(values.filter((node) => node.value.kind === Kind.OBJECT)), (node) => {
        const entry = {
          kind: Kind.OBJECT_FIELD,
          name: name(random.pick(['extra', 'name', 'tags', 'statuses'])),
          value: literal(wrongValue(random)),
        };
        node.value.fields.push(entry, ...(random.chance(0.3) ? [entry] : []));
      }),
    variableForValue: ({ values, operations, random }) =>
      change(random.pick(values), (node) => {
        const known = operations.flatMap((one) =>
          one.variableDefinitions.map(({ variable }) => variable.name.value),
        );
        node.value = literal(new Ref(random.pick([...known, 'undefined'])));
      }),
    newVariableForValue: ({ values, operations, random }) =>
      change(random.pick(values), (node) => {
        operations[0].variableDefinitions.push(
          definition('w', randomType(random), random.chance(0.3) ? literal(wrongValue(random)) : undefined),
        );
        node.value = literal(new Ref('w'));
      }),
    variableInList: ({ values, operations, random }) =>
      change(random.pick(values), (node) => {
        operations[0].variableDefinitions.push(definition('w', randomType(random), undefined));
        node.value = literal([new Ref('w')]);
      }),
    dropVariable: ({ operations, random }) =>
      change(random.pick(operations.filter((one) => one.variableDefinitions.length)), (one) =>
        one.variableDefinitions.pop(),
      ),
    doubleVariable: ({ definitions, operations, random }) =>
      change(random.pick(definitions), (one) => operations[0].variableDefinitions.push(structuredClone(one))),
    unusedVariable: ({ operations, random }) =>
      change(random.pick(operations), (one) =>
        one.variableDefinitions.push(definition('unused', randomType(random), undefined)),
      ),
    anotherType: ({ definitions, random }) =>
      change(random.pick(definitions), (one) => {
        const written = print(one.type);
        const near = [
          `[${written}]`,
          `[${written}!]`,
          `${written}!`,
          written.replace(/!$/, ''),
          written.replace(/!/g, ''),
          written.replace(/[[\]]/g, '').replace(/!+/g, '!'),
        ];
        one.type = definition(
          'x',
          random.chance(0.75) ? random.pick(near).replace(/!!+/g, '!') : randomType(random),
          undefined,
        ).type;
      }),
    anotherDefault: ({ definitions, random }) =>
      change(
        random.pick(definitions),
        (one) => (one.defaultValue = random.chance(0.3) ? undefined : literal(wrongValue(random))),
      ),
    dropFragment: ({ document, random }) =>
      change(
        document.definitions.findIndex(({ kind }) => kind === Kind.FRAGMENT_DEFINITION),
        (at) => (at >= 0 ? document.definitions.splice(at, 1) : random),
      ),
    doubleFragment: ({ document, fragments, random }) =>
      change(random.pick(fragments), (one) => document.definitions.push(structuredClone(one))),
    doubleDirective: ({ places, random }) =>
      change(random.pick(places.filter((node) => node.directives?.length)), (node) =>
        node.directives.push(structuredClone(node.directives[0])),
      ),
    unusedFragment: ({ document, random }) =>
      change(document, () =>
        document.definitions.push(fragment('Unused', random.pick(composites), [field('__typename')])),
      ),
    anotherSpread: ({ sets, fragments, random }) =>
      change(random.pick(sets), (set) =>
        set.selections.push(spread(random.pick([...fragments.map((one) => one.name.value), 'Missing']))),
      ),
    cycle: ({ fragments, random }) =>
      change(random.pick(fragments), (one) =>
        one.selectionSet.selections.push(
          random.chance(0.5)
            ? spread(one.name.value)
            : inline(undefined, [spread(random.pick(fragments).name.value)]),
        ),
      ),
    anotherCondition: ({ conditions, random }) =>
      change(
        random.pick(conditions),
        (node) => (node.typeCondition = namedType(random.pick([...composites, 'Missing']))),
      ),
    directive: ({ places, random }) =>
      change(random.pick(places), (node) => {
        const given = random.pick([
          directive('skip', [argument('if', literal(random.chance(0.5)))]),
          directive('include', [argument('if', literal(wrongValue(random)))]),
          directive('include', []),
          directive('live', []),
          directive('idempotent', [argument('key', literal('k'))]),
          directive('deprecated', []),
          directive('skip', [argument('if', literal(true)), argument('if', literal(true))]),
        ]);
        node.directives = [...(node.directives ?? []), given];
      }),
    secondOperation: ({ document, random }) =>
      change(document, () =>
        document.definitions.push(
          operation(
            random.pick(['query', 'mutation', 'subscription']),
            random.pick([undefined, 'Main', 'Second']),
            [],
            [field('__typename')],
          ),
        ),
      ),
    kindOfOperation: ({ operations, random }) =>
      change(
        random.pick(operations),
        (one) => (one.operation = random.pick(['query', 'mutation', 'subscription'])),
      ),
    definitionOfType: ({ document }) =>
      change(document, () =>
        document.definitions.push({ kind: Kind.SCALAR_TYPE_DEFINITION, name: name('Extra') }),
      ),
  };

  const randomType = (random) => {
    const bare = random.chance(0.2) ? random.pick(['Droplet', 'Node', 'Text']) : random.pick(inputs);
    return random.pick([bare, `${bare}!`, `[${bare}]`, `[${bare}!]!`]);
  };

  return function breakDocument(random, document) {
    const copy = structuredClone(document);
    const found = { document: copy, random, ...collect(copy) };
    for (let tries = 0; tries < 5; tries += 1) {
      const fault = random.pick(Object.keys(FAULTS));
      if (FAULTS[fault](found) !== false) return { document: copy, fault };
    }
    return { document: copy, fault: 'none' };
  };
}

function change(node, body) {
  if (node === undefined) return false;
  body(node);
  return true;
}

function collect(document) {
  const found = {
    fields: [],
    sets: [],
    values: [],
    withArguments: [],
    definitions: [],
    operations: [],
    fragments: [],
    conditions: [],
    places: [],
  };
  visit(document, {
    Field: (node) =>
      void found.fields.push(node) ??
      void found.places.push(node) ??
      void (node.arguments?.length && found.withArguments.push(node)),
    SelectionSet: (node) => void found.sets.push(node),
    Argument: (node) => void found.values.push(node),
    ObjectField: (node) => void found.values.push(node),
    VariableDefinition: (node) => void found.definitions.push(node) ?? void found.places.push(node),
    OperationDefinition: (node) => void found.operations.push(node) ?? void found.places.push(node),
    FragmentDefinition: (node) =>
      void found.fragments.push(node) ?? void found.conditions.push(node) ?? void found.places.push(node),
    FragmentSpread: (node) => void found.places.push(node),
    InlineFragment: (node) => void found.conditions.push(node) ?? void found.places.push(node),
  });
  return found;
}

const IGNORED = [' ', '\n', ',', '\r\n', '\t', '\uFEFF', ' # a "comment" {\n', ',,\n'];
const TOKEN = /"""[^]*?"""|"(?:\\.|[^"\\])*"|\.\.\.|[A-Za-z_]\w*|-?\d[\d.eE+-]*|\S/g;

/** Writes a document with other ignored tokens and other notations of its texts, which mean the same. */
export function rewrite(random, source) {
  const tokens = source.match(TOKEN) ?? [];
  return tokens
    .map(
      (token) =>
        (token.startsWith('"') && !token.startsWith('"""') && random.chance(0.5)
          ? escape(random, token)
          : token) + random.pick(IGNORED),
    )
    .join('');
}

function escape(random, token) {
  const text = JSON.parse(token);
  const simple = [...text].every((character) => character >= ' ' && !'"\\'.includes(character));
  if (simple && text && random.chance(0.3)) return `"""\n  ${text}\n"""`;
  const parts = [...text].map((character) => {
    const units = Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    );
    return random.chance(0.5) ? units.join('') : `\\u{${character.codePointAt(0).toString(16)}}`;
  });
  return `"${parts.join('')}"`;
}

/** Changes a document in one token. */
export function breakTokens(random, source) {
  const tokens = source.match(TOKEN) ?? [];
  const at = random.between(0, tokens.length - 1);
  const other = [
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ':',
    '!',
    '$',
    '@',
    '=',
    '...',
    '"',
    '"""',
    '1',
    '-1',
    '01',
    '1.',
    'null',
    'on',
    'query',
    'fragment',
    '&',
    '|',
    '"\\u{D800}"',
    '"a\\q"',
  ];
  const how = random.weighted({ drop: 3, double: 1, replace: 2, insert: 2, swap: 1 });
  if (how === 'drop') tokens.splice(at, 1);
  if (how === 'double') tokens.splice(at, 0, tokens[at]);
  if (how === 'replace') tokens[at] = random.pick(other);
  if (how === 'insert') tokens.splice(at, 0, random.pick(other));
  if (how === 'swap' && at > 0) [tokens[at - 1], tokens[at]] = [tokens[at], tokens[at - 1]];
  return tokens.join(' ');
}
