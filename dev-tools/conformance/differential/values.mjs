// Random values for input types: right ones, taken from the rows where that matters, and wrong ones.

import { getNullableType, isEnumType, isInputObjectType, isListType, isNonNullType } from 'graphql';
import { Bare, Ref } from './ast.mjs';

const NO_ID = '00000000-0000-7000-8000-000000000000';

/** What values are drawn from: texts and ids of the rows. */
export function poolsOf(rows, token) {
  const nodes = [...rows.nodes.values()];
  const ids = (type) => nodes.filter(({ __typename }) => __typename === type).map(({ id }) => id);
  const all = (field) =>
    [...new Set([...nodes, ...[...rows.lists.values()].flat()].map((row) => row[field]))].filter(
      (value) => typeof value === 'string',
    );
  return {
    ids: { Droplet: ids('Droplet'), Job: ids('Job'), Cluster: ids('Cluster') },
    cursors: rows.cursors,
    names: all('name').filter((name) =>
      nodes.every((row) => row.name !== name || !['DELETED', 'FAILED'].includes(row.status)),
    ),
    texts: {
      name: ['NODE', 'e', 'zzz', '', 'blue', '-'],
      tags: ['web', 'db', 'a:b_c', 'none'],
      regions: ['nyc3', 'fra1', 'syd1'],
      sizes: ['s-1vcpu-1gb', 'c-2', 'm-2vcpu-16gb'],
      kinds: ['batch', 'backup', 'provision', 'nothing'],
      clusterLabel: ['blue', 'nowhere', 'elsewhere'],
      actor: [...all('actor'), 'nobody'],
      consistentWith: [token, token, token, 'nonsense'],
    },
    // An unknown type of event is refused, and an unknown kind of job is not.
    events: {
      ActivityFilter: [...new Set(rows.lists.get('activity')?.map(({ kind }) => kind))],
      EventFilter: [...new Set(rows.lists.get('events')?.map(({ type }) => type))],
    },
  };
}

const SCALARS = ['a text', '', 0, 1, -7, 1.5, true, false, '7', 'ACTIVE', 3_000_000_000];

/** A value that fits no or few types. */
export function wrongValue(random, depth = 0) {
  const kind = random.weighted({
    scalar: 6,
    null: 2,
    bare: 1,
    list: depth < 2 ? 2 : 0,
    object: depth < 2 ? 2 : 0,
  });
  if (kind === 'null') return null;
  if (kind === 'bare') return new Bare(random.pick(['ACTIVE', 'NAME', 'ASCENDING', 'NOTHING']));
  if (kind === 'list')
    return Array.from({ length: random.between(0, 2) }, () => wrongValue(random, depth + 1));
  if (kind === 'object') {
    return Object.fromEntries(
      random.some(['name', 'field', 'tags', 'x'], 2).map((key) => [key, wrongValue(random, depth + 1)]),
    );
  }
  return random.pick(SCALARS);
}

/**
 * A value of a type. `place` says where it stands: the name of the argument or field, the input type around
 * it, and for cursors the list. `variable` may put a variable in the place of a part.
 */
export function valueOf(type, place, context) {
  const { random, variable } = context;
  const reference = variable?.(type, place);
  if (reference) return new Ref(reference);
  if (isNonNullType(type))
    return valueOf(type.ofType, { ...place, required: true }, { ...context, variable: undefined });
  if (!place.required && random.chance(0.06)) return null;
  const inner = { ...place, required: false };
  if (isListType(type)) {
    const item = () =>
      valueOf(
        getNullableType(type.ofType),
        { ...inner, required: true, hasDefault: false },
        listItem(context, type),
      );
    // One value stands for a list of it.
    return random.chance(0.2) ? item() : Array.from({ length: random.between(0, 3) }, item);
  }
  if (isInputObjectType(type)) return objectOf(type, inner, context);
  if (isEnumType(type)) return new Bare(random.pick(type.getValues()).name);
  return scalar(type, inner, context);
}

// A variable within a list has the type of the items.
function listItem(context, type) {
  const { variable } = context;
  return {
    ...context,
    variable: variable && ((_, place) => variable(type.ofType, { ...place, within: true })),
  };
}

function objectOf(type, place, context) {
  const { random, covers } = context;
  const fields = Object.values(type.getFields()).filter(({ name }) => covers(type, name));
  const one = (field) => [
    field.name,
    valueOf(
      field.type,
      {
        name: field.name,
        around: type.name,
        hasDefault: field.defaultValue !== undefined,
        oneOf: type.isOneOf,
        required: type.isOneOf,
      },
      context,
    ),
  ];
  if (type.isOneOf) return Object.fromEntries([one(random.pick(fields))]);
  const needed = fields.filter((field) => isNonNullType(field.type) && !hasDefault(field));
  const optional = fields.filter((field) => !needed.includes(field));
  return Object.fromEntries([...needed, ...random.some(optional, 3)].map(one));
}

export const hasDefault = (input) => (input.default ?? input.defaultValue) !== undefined;

function scalar(type, place, { random, pools }) {
  const { name, around, list, order } = place;
  switch (type.name) {
    case 'Boolean':
      return random.chance(0.5);
    case 'Int':
      if (name !== 'first' && name !== 'last') return random.between(0, 9);
      return random.chance(0.03) ? random.pick([0, -1, 101, 1000]) : random.pick([1, 2, 3, 4, 7]);
    case 'Float':
      return random.pick([0, 1, 1.5, -2.25e-3]);
    case 'DateTime':
      return random.pick([
        '2026-01-05T08:00:00Z',
        '2026-01-05T09:00:00.25+01:00',
        '2026-02-01T00:00:00.000001Z',
        '2020-02-29T23:59:59z',
        '2030-01-01T00:00:00-12:00',
      ]);
    case 'BigInt':
      return random.pick([0, '0', '-5', '9223372036854775807', 12]);
    case 'JSON':
      return random.pick([null, 1, 'a', [1, 'b'], { a: { b: [true] } }]);
    case 'ID':
      return id(place, random, pools);
    default:
      if (name === 'after' || name === 'before') return cursor(list, order, random, pools);
      if (name === 'name' && place.lookup) return random.pick([...pools.names, 'no-such-name']);
      if (name === 'name' && around === '__type') return random.pick(pools.types);
      if (pools.events[around] && ['kinds', 'types'].includes(name)) return random.pick(pools.events[around]);
      return random.pick(pools.texts[name] ?? ['a', 'b c', 'ü "q" \\ \n', '']);
  }
}

function id({ name, type: around }, random, pools) {
  const type = pools.ids[around] ? around : undefined;
  const wanted =
    { cluster: 'Cluster', droplet: 'Droplet', job: 'Job' }[name] ??
    type ??
    random.pick(['Droplet', 'Job', 'Cluster']);
  const kind = random.weighted({
    right: 12,
    unknown: 1,
    other: name === 'ids' ? 0 : 0.5,
    bad: name === 'ids' ? 0 : 0.5,
  });
  if (kind === 'unknown') return `${wanted}:${NO_ID}`;
  if (kind === 'other') return random.pick(pools.ids[random.pick(['Droplet', 'Job', 'Cluster'])]);
  if (kind === 'bad') return random.pick(['x', '', 4, 'Droplet:1']);
  return random.pick(pools.ids[wanted] ?? pools.ids.Droplet);
}

function cursor(list, order, random, pools) {
  if (!list) return 'nonsense';
  const own = pools.cursors.get(`${list} ${order}`);
  const kind = random.weighted({ own: own?.size ? 12 : 0, bad: 1, other: 1 });
  if (kind === 'own') return random.pick([...own.values()]);
  if (kind === 'bad') return random.pick(['nonsense', '', 'eyJwb3NpdGlvbiI6Mn']);
  // A list of other items: jobs for droplets, and the history for both.
  return (
    [
      ...(
        pools.cursors.get(`${list.startsWith('jobs') || list.endsWith(' jobs') ? 'droplets' : 'jobs'} `) ?? []
      ).values(),
    ][0] ?? 'nonsense'
  );
}

/** Variables with random faults: wrong values, values left out, and values that nothing declares. */
export function breakVariables(random, variables) {
  const broken = JSON.parse(JSON.stringify(variables));
  const names = Object.keys(broken);
  const how = random.weighted({
    wrong: names.length * 3,
    leaveOut: names.length,
    none: names.length,
    extra: 1,
    within: names.length,
  });
  const name = random.pick(names);
  if (how === 'wrong') broken[name] = JSON.parse(JSON.stringify(wrongValue(random)));
  if (how === 'none') broken[name] = null;
  if (how === 'leaveOut') delete broken[name];
  if (how === 'extra') broken.undeclared = wrongValue(random);
  if (how === 'within') {
    const value = broken[name];
    if (value && typeof value === 'object' && !Array.isArray(value)) {
      value[random.pick([...Object.keys(value), 'extra'])] = wrongValue(random);
    } else broken[name] = random.chance(0.5) ? [value] : [[value]];
  }
  return JSON.parse(JSON.stringify(broken));
}
