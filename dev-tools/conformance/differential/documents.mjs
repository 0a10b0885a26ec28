// Random documents over the SDL that are valid, but for conflicts that chance makes, with their variables.

import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isUnionType,
  isLeafType,
  isNonNullType,
  print,
} from 'graphql';
import {
  Ref,
  argument,
  definition,
  directive,
  field as fieldNode,
  fragment,
  inline,
  literal,
  operation,
  spread,
} from './ast.mjs';
import { isConnection } from './rows.mjs';
import { hasDefault, valueOf } from './values.mjs';

// Far enough below the limits of the platform: documents that exceed them are not compared.
const MOST = { depth: 7, fields: 28, aliases: 20, fragments: 4, variables: 10, pages: 2 };

// Of introspection, what the SDL fixes: neither the order of types nor the set of directives.
const INTROSPECTION = {
  __Type: [
    'kind',
    'name',
    'description',
    'fields',
    'inputFields',
    'enumValues',
    'ofType',
    'isOneOf',
    'specifiedByURL',
  ],
  __Field: ['name', 'description', 'type', 'isDeprecated', 'deprecationReason'],
  __InputValue: ['name', 'description', 'type', 'defaultValue'],
  __EnumValue: ['name', 'description', 'isDeprecated', 'deprecationReason'],
  __Schema: ['queryType', 'mutationType', 'subscriptionType'],
};
const TYPES = [
  'Droplet',
  'Job',
  'Node',
  'DropletFilter',
  'CreateClusterInput',
  'DropletStatus',
  'OrderDirection',
  'DateTime',
  'Money',
  'Nothing',
  'String',
  'Query',
];

const ROOT_WEIGHTS = {
  droplets: 6,
  jobs: 5,
  clusters: 4,
  node: 4,
  droplet: 3,
  job: 3,
  cluster: 2,
  activity: 2,
  events: 2,
  counts: 2,
  catalogue: 1,
};

/** Returns a function that makes a document from a source of random choices. */
export function documentMaker(schema, { covered }, pools) {
  pools = { ...pools, types: TYPES };
  const covers = (type, name) => !type.name.endsWith('Filter') || covered.has(`${type.name}.${name}`);

  return function make(random) {
    const state = {
      fields: 0,
      aliases: 0,
      pages: 0,
      fragments: [],
      definitions: [],
      variables: {},
      leaveOut: undefined,
    };
    const kind = random.weighted({ query: 18, mutation: 1, subscription: 1 });
    const root = {
      query: schema.getQueryType(),
      mutation: schema.getMutationType(),
      subscription: schema.getSubscriptionType(),
    }[kind];
    const selections = kind === 'query' ? selectionsOf(root, 0, rootSize()) : effects();
    const name = random.chance(0.5) ? 'Main' : undefined;
    const definitions = [operation(kind, name, state.definitions, selections), ...state.fragments];
    let operationName = random.chance(0.1) ? name : undefined;
    if (name && random.chance(0.1)) {
      definitions.push(operation('query', 'Other', [], [fieldNode('__typename')]));
      operationName = random.weighted({ Main: 8, Other: 1, Unknown: 1 });
      if (random.chance(0.05)) operationName = undefined;
    }
    if (random.chance(0.2)) definitions.reverse();
    return { document: { kind: 'Document', definitions }, variables: state.variables, operationName, random };

    function rootSize() {
      return random.between(1, 3);
    }

    // A mutation or a subscription lacks a required variable, so that it is judged and never run.
    function effects() {
      const of = random.pick(Object.values(root.getFields()));
      const given = random.pick(of.args);
      const missing = declare(`${getNullableType(given.type)}!`, undefined);
      delete state.variables[missing];
      const args = of.args
        .filter(
          (one) => one !== given && ((isNonNullType(one.type) && !hasDefault(one)) || random.chance(0.3)),
        )
        .map((one) => argument(one.name, literal(valueFor(one.type, { name: one.name, around: of.name }))));
      const selections = selectionsOf(getNamedType(of.type), 1, 3);
      return [
        fieldNode(of.name, { args: [argument(given.name, literal(new Ref(missing))), ...args], selections }),
      ];
    }

    /** The selections of a type: fields, fragments and repetitions, of so many. */
    function selectionsOf(type, depth, count) {
      const chosen = [];
      // What a response name stands for here, so that fields merge or get aliases.
      const names = new Map();
      for (let i = 0; i < count && state.fields < MOST.fields; i += 1)
        chosen.push(...selectionOf(type, depth, names, chosen));
      if (chosen.length === 0) chosen.push(fieldNode('__typename'));
      if (random.chance(0.12)) return wrap(type, chosen);
      return chosen;
    }

    function selectionOf(type, depth, names, siblings) {
      const how = random.weighted({
        field: 20,
        typename: 1.5,
        inline: 1.5,
        spread: 1.5,
        again: siblings.length ? 1.5 : 0,
        narrow: isAbstractType(type) ? 25 : 0,
      });
      if (how === 'typename')
        return [withConditions(fieldNode('__typename', { alias: random.chance(0.2) ? alias() : undefined }))];
      if (how === 'narrow') {
        const narrower = random.pick(schema.getPossibleTypes(type));
        return [withConditions(inline(narrower.name, selectionsOf(narrower, depth, random.between(1, 3))))];
      }
      if (how === 'inline') {
        const on = random.pick([
          undefined,
          type.name,
          ...(type.getInterfaces?.() ?? []).map((one) => one.name),
        ]);
        return [
          withConditions(
            inline(on, selectionsOf(on ? schema.getType(on) : type, depth, random.between(1, 2))),
          ),
        ];
      }
      if (how === 'spread') return spreadOf(type, depth);
      if (how === 'again') return again(random.pick(siblings), depth);
      return fieldOf(type, depth, names);
    }

    function spreadOf(type, depth) {
      const known = state.fragments.filter(
        ({ typeCondition, depth: at }) => typeCondition.name.value === type.name && at >= depth,
      );
      if (known.length && random.chance(0.5)) return [withConditions(spread(random.pick(known).name.value))];
      if (state.fragments.length >= MOST.fragments) return [];
      const name = `F${state.fragments.length}`;
      // The place is taken first, for fragments within it. Its own spreads cannot reach it, for it is not
      // listed yet.
      const made = fragment(name, type.name, []);
      Object.defineProperty(made, 'depth', { value: -1, writable: true, enumerable: false });
      state.fragments.push(made);
      made.selectionSet.selections = selectionsOf(type, depth, random.between(1, 3));
      made.depth = depth;
      return [withConditions(spread(name))];
    }

    // The same field once more, so that the two must merge: with other selections below, bare or in a
    // fragment.
    function again(sibling, depth) {
      if (sibling.kind !== 'Field') return [structuredClone(sibling)];
      const copy = structuredClone(sibling);
      if (copy.selectionSet && sibling.of)
        copy.selectionSet.selections = selectionsOf(sibling.of, depth + 1, random.between(1, 3));
      return random.chance(0.3) ? [inline(undefined, [copy])] : [copy];
    }

    function wrap(type, selections) {
      return random.chance(0.5) ? [inline(type.name, selections)] : [inline(undefined, selections)];
    }

    function fieldOf(type, depth, names) {
      // A union has no fields of its own.
      const field = isUnionType(type) ? undefined : pickField(type, depth);
      if (!field) return [];
      state.fields += 1;
      const args = argumentsOf(type, field);
      const named = getNamedType(field.type);
      const key = `${field.name} ${args.map(print)}`;
      let shown;
      if ((names.get(field.name) ?? key) !== key || random.chance(0.08)) shown = alias();
      if ((names.get(shown ?? field.name) ?? key) !== key) return [];
      names.set(shown ?? field.name, key);
      const paged = isConnection(named);
      if (paged) state.pages += 1;
      const node = fieldNode(field.name, {
        alias: shown,
        args,
        selections: isCompositeType(named)
          ? selectionsOf(named, depth + 1, random.between(1, paged ? 3 : 5))
          : undefined,
      });
      if (paged) state.pages -= 1;
      Object.defineProperty(node, 'of', {
        value: isCompositeType(named) ? named : undefined,
        enumerable: false,
      });
      return [withConditions(node)];
    }

    function pickField(type, depth) {
      if (type === schema.getQueryType()) {
        const weights = { __type: 0.7, __schema: 0.3 };
        for (const { name } of Object.values(type.getFields())) {
          if (covered.has(`Query.${name}`)) weights[name] = ROOT_WEIGHTS[name] ?? 3;
        }
        const name = random.weighted(weights);
        return schema.getField(type, name);
      }
      const fields = Object.values(type.getFields()).filter((field) => {
        const named = getNamedType(field.type);
        if (INTROSPECTION[type.name]) {
          return INTROSPECTION[type.name].includes(field.name) && (isLeafType(named) || depth < 4);
        }
        if (isConnection(named) && state.pages >= MOST.pages) return false;
        if (depth >= MOST.depth && isCompositeType(named)) return false;
        const readable =
          kind !== 'query' || covered.has(`${type.name}.${field.name}`) || isAbstractType(type);
        return readable && (kind === 'query' || !isConnection(named));
      });
      const composite = fields.filter((field) => isCompositeType(getNamedType(field.type)));
      return random.pick(composite.length && random.chance(0.35) ? composite : fields);
    }

    function argumentsOf(type, field) {
      const named = getNamedType(field.type);
      const place = { around: field.name, type: named.name, lookup: field.name.endsWith('ByName') };
      const args = [];
      const add = (name, more = {}) => {
        const one = field.args.find((given) => given.name === name);
        if (one)
          args.push(
            argument(
              name,
              literal(valueFor(one.type, { ...place, name, hasDefault: hasDefault(one), ...more })),
            ),
          );
      };
      if (isConnection(named)) return pageArguments(type, field, args, add);
      for (const one of field.args) {
        if ((isNonNullType(one.type) && !hasDefault(one)) || random.chance(0.15)) add(one.name);
      }
      return args;
    }

    function pageArguments(type, field, args, add) {
      const size = random.weighted({ first: 14, last: 6, neither: 0.3, both: 0.3 });
      if (size === 'first' || size === 'both') add('first');
      if (size === 'last' || size === 'both') add('last');
      if (random.chance(0.35)) add('filter');
      let order = '';
      if (random.chance(0.35)) {
        add('orderBy');
        order = orderIn(args.at(-1));
      }
      // The cursors of a list within an object depend on the object, which chance chooses. So such lists are given
      // wrong ones only, whose errors make objects null.
      const list = type === schema.getQueryType() ? field.name : undefined;
      if (list && random.chance(0.2)) add('after', { list, order });
      if (list && random.chance(0.12)) add('before', { list, order });
      if (!list && random.chance(0.04)) add('after');
      if (random.chance(0.05)) add('consistentWith');
      return random.chance(0.2) ? args.reverse() : args;
    }

    // The order that an argument says, as far as it is a literal.
    function orderIn(given) {
      const parts = given?.value.fields ?? [];
      const text = (name) => parts.find((part) => part.name.value === name)?.value.value;
      return text('field') && text('direction') ? `${text('field')} ${text('direction')}` : '';
    }

    function withConditions(node) {
      while (random.chance(0.07) && node.directives.length < 2) {
        const name = random.pick(
          ['skip', 'include'].filter((one) => node.directives.every((given) => given.name.value !== one)),
        );
        const value = random.chance(0.5)
          ? literal(random.chance(0.5))
          : literal(new Ref(variableFor(schema.getDirective(name).args[0].type, { name: 'if' })));
        node.directives = [...node.directives, directive(name, [argument('if', value)])];
      }
      return node;
    }

    function alias() {
      if (state.aliases >= MOST.aliases) return undefined;
      state.aliases += 1;
      return `a${state.aliases}`;
    }

    function valueFor(type, place) {
      const context = { random, pools, covers };
      const variable = (inner, at) =>
        random.chance(0.15) && state.definitions.length < MOST.variables
          ? variableFor(inner, { ...place, ...at })
          : undefined;
      return valueOf(type, place, { ...context, variable });
    }

    // A variable for a position of this type, with a value. Its own type is that type or a narrower one.
    function variableFor(type, place) {
      const written = String(type);
      const bare = String(getNullableType(type));
      const known = state.definitions.find((one) => print(one.type) === written);
      if (known && random.chance(0.4)) return known.variable.name.value;
      const plain = () =>
        valueOf(getNullableType(type), { ...place, required: true }, { random, pools, covers });
      const required = isNonNullType(type);
      const how = random.weighted({
        same: 10,
        narrower: 3,
        default: 3,
        nullDefault: required ? 0 : 0.5,
        fromPosition: required && place.hasDefault && !place.within ? 5 : 0,
      });
      const chosen = {
        same: written,
        narrower: `${bare}!`,
        // A default makes a nullable variable fit a position that must not be null.
        default: random.chance(0.5) ? bare : written,
        nullDefault: bare,
        fromPosition: bare,
      }[how];
      const value = how === 'default' ? literal(plain()) : how === 'nullDefault' ? literal(null) : undefined;
      const name = declare(chosen, value);
      const optional = !chosen.endsWith('!') || value;
      if (!(optional && random.chance(0.25))) state.variables[name] = plain();
      if (!chosen.endsWith('!') && random.chance(0.1)) state.variables[name] = null;
      return name;
    }

    function declare(type, defaultValue) {
      const name = `v${state.definitions.length}`;
      state.definitions.push(definition(name, type, defaultValue));
      return name;
    }
  };
}
