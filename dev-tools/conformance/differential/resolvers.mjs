// Naive resolvers over the rows: what the platform must answer, by the shortest program that says it.
//
// Plain fields come from the rows, and nodes by their ids. Filters, nested lists and lookups are in the
// tables below, an entry each. What has no entry is not compared: `notCovered` names it.

import { getNamedType, isCompositeType, isInterfaceType, isObjectType } from 'graphql';
import { compareInOrder, instant } from './order.mjs';
import { isConnection, isNode, isPlain, isVolatile, itemOf, keyOf } from './rows.mjs';

const slug = (row, field) => row[`${field}Slug`] ?? row[field];
const lower = (text) => text.toLowerCase();
const oneOf = (value) => (values) => values.includes(value);

/** Filters by input type and field: whether a row matches a value. Ids are checked before. */
const FILTERS = {
  DropletFilter: {
    name: (row, text) => lower(row.name).includes(lower(text)),
    tags: (row, tags) => tags.every((tag) => row.tags.includes(tag)),
    statuses: (row, values) => oneOf(row.status)(values),
    regions: (row, values) => oneOf(slug(row, 'region'))(values),
    sizes: (row, values) => oneOf(slug(row, 'size'))(values),
    cluster: (row, id) => row.clusterId === id,
  },
  JobFilter: {
    statuses: (row, values) => oneOf(row.status)(values),
    kinds: (row, values) => oneOf(row.kind)(values),
    droplet: (row, id) => row.dropletId === id,
    clusterLabel: (row, label) => row.clusterLabel === label,
    runner: (row, runner) => row.runner === runner,
  },
  ClusterFilter: {
    name: (row, text) => lower(row.name).includes(lower(text)),
    statuses: (row, values) => oneOf(row.status)(values),
  },
  ActivityFilter: {
    kinds: (row, values) => oneOf(row.kind)(values),
    resource: (row, id) => row.resourceId === id,
    actor: (row, actor) => row.actor === actor,
    from: (row, time) => instant(row.occurredAt) >= instant(utc(time)),
    until: (row, time) => instant(row.occurredAt) < instant(utc(time)),
  },
  EventFilter: {
    types: (row, values) => oneOf(row.type)(values),
    resource: (row, id) => row.resourceId === id,
    actor: (row, actor) => row.actor === actor,
    from: (row, time) => instant(row.occurredAt) >= instant(utc(time)),
    until: (row, time) => instant(row.occurredAt) < instant(utc(time)),
  },
};

const SLUG = /^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/;

/** Forms of texts in filters, by input type and field. Another text is an error, not a filter without matches. */
const FORMS = {
  DropletFilter: { tags: /^[A-Za-z0-9_:-]{1,255}$/, regions: SLUG, sizes: SLUG },
  JobFilter: { kinds: /^[a-z][a-z0-9_-]{0,62}$/, clusterLabel: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/ },
};

/** Lists that leave out deleted rows unless the filter names statuses. */
const WITHOUT_DELETED = ['Droplet', 'Cluster'];

/** The type that an id in a filter must have; any if there is none. */
const IDS = { cluster: 'Cluster', droplet: 'Droplet', resource: undefined };

/** Lists of an object: whether a row belongs to it. */
const NESTED = {
  'Droplet.jobs': (row, droplet) => row.dropletId === droplet.id,
  'Cluster.droplets': (row, cluster) => row.clusterId === cluster.id,
};

/** Lookups at the root. Objects by id follow the convention that their field is named as their type. */
const LOOKUPS = {
  node: (rows, { id }) => byId(rows, id),
  nodes: (rows, { ids }) => ids.map((id) => byId(rows, id)),
  dropletByName: (rows, { name }) => living(rows, 'Droplet', name),
  clusterByName: (rows, { name }) => living(rows, 'Cluster', name),
};

const LIVING = ['REQUESTED', 'ACTIVE', 'DELETING', 'MAINTENANCE'];
const living = ({ nodes }, type, wanted) =>
  [...nodes.values()].find(
    ({ __typename, name, status }) => __typename === type && name === wanted && LIVING.includes(status),
  );

const ID = /^([A-Za-z]+):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NODE_TYPES = ['Droplet', 'Job', 'Cluster'];

function byId({ nodes }, id, type) {
  checkId(id, type);
  return nodes.get(id) ?? null;
}

function checkId(id, type) {
  const [, name] = ID.exec(id) ?? [];
  if (!NODE_TYPES.includes(name) || (type && name !== type)) throw new Error(`${id} is not an id`);
}

/** A time with any offset, in UTC. */
function utc(time) {
  const decimals = /\.\d+/.exec(time)?.[0] ?? '';
  return new Date(time.toUpperCase().replace(/\.\d+/, '')).toISOString().replace('.000Z', `${decimals}Z`);
}

/** The numbers that an argument like `first` may have, which the SDL says. */
function range(field, name) {
  const text = field.args.find((argument) => argument.name === name)?.description ?? '';
  const [, least, most] = /(\d+) to (\d+)/.exec(text) ?? [, 1, 100];
  return { least: Number(least), most: Number(most) };
}

/** A resolver that refuses other consistency tokens than this one. The rows hold its write. */
function consistent(resolve, token) {
  return (source, args) => {
    if ((args.consistentWith ?? token) !== token) throw new Error('not a consistency token');
    return resolve(source, args);
  };
}

/** Gives the schema resolvers over these rows, read after the write of a token, and returns what they cover. */
export function resolveFrom(schema, rows, token) {
  const covered = new Set();
  const notCovered = [];
  const listOf = (item) =>
    [...rows.lists.keys()].find(
      (name) => getNamedType(schema.getQueryType().getFields()[name].type).name === `${item.name}Connection`,
    );

  for (const type of Object.values(schema.getTypeMap())) {
    if (isInterfaceType(type)) type.resolveType = ({ __typename }) => __typename;
    if (!isObjectType(type) || type.name.startsWith('__') || !isRead(schema, type)) continue;
    for (const field of Object.values(type.getFields())) {
      const resolve = resolverOf(type, field);
      const coordinate = `${type.name}.${field.name}`;
      if (resolve) field.resolve = consistent(resolve, token);
      if (resolve !== undefined) covered.add(coordinate);
      else if (!isVolatile(field)) notCovered.push(coordinate);
      for (const argument of field.args) {
        const filter = getNamedType(argument.type);
        if (argument.name !== 'filter' || !isConnection(getNamedType(field.type))) continue;
        for (const name of Object.keys(filter.getFields())) {
          if (FILTERS[filter.name]?.[name]) covered.add(`${filter.name}.${name}`);
          else notCovered.push(`${filter.name}.${name}`);
        }
      }
    }
  }
  return { covered, notCovered: [...new Set(notCovered)] };

  // Null means the resolver of graphql-js, and undefined that there is none.
  function resolverOf(type, field) {
    const named = getNamedType(field.type);
    if (isVolatile(field)) return undefined;
    if (type === schema.getQueryType()) {
      if (rows.lists.has(field.name))
        return (_, args) => page(field, field.name, field.name, () => true, args);
      if (rows.roots.has(field.name)) return () => rows.roots.get(field.name);
      if (LOOKUPS[field.name]) return (_, args) => LOOKUPS[field.name](rows, args);
      const byItsId =
        isNode(named) && field.args.some(({ name }) => name === 'id') && lower(named.name) === field.name;
      return byItsId ? (_, { id }) => byId(rows, id, named.name) : undefined;
    }
    if (isConnection(named)) {
      const belongs = NESTED[`${type.name}.${field.name}`];
      const list = listOf(itemOf(named));
      if (!belongs || !list) return undefined;
      return (source, args) =>
        page(field, list, `${source.id} ${field.name}`, (row) => belongs(row, source), args);
    }
    // Whatever a connection has besides its items is made by `page`.
    if (isConnection(type) || type.name.endsWith('Edge') || type.name === 'PageInfo')
      return known(type, field) ? null : undefined;
    if (!isPlain(field, [type])) return undefined;
    if (!isNode(named)) return null;
    const full = (value) => value && (rows.nodes.get(value.id) ?? value);
    return (source) =>
      Array.isArray(source[field.name]) ? source[field.name].map(full) : full(source[field.name]);
  }

  // A page of a list, which is a list at the root or the part of one that belongs to an object. A cursor is a
  // place among all rows of the list at the root.
  function page(field, root, list, belongs, args) {
    const { filter, orderBy, first, last, after, before } = args;
    const item = itemOf(getNamedType(field.type));
    const key = keyOf(item);
    const order = orderBy ? `${orderBy.field} ${orderBy.direction}` : '';
    if ((first == null) === (last == null)) throw new Error('give one of first and last');
    const [name, size] = first == null ? ['last', last] : ['first', first];
    const { least, most } = range(field, name);
    if (size < least || size > most) throw new Error(`${name} is out of range`);
    const compare = compareInOrder(list, order);
    const all = rows.lists.get(root);
    const own = all.filter(belongs);
    const cursors = rows.cursors.get(`${list} ${order}`);
    const place = (cursor) => {
      const placed = rows.cursors.get(`${root} ${order}`);
      const row = all.find((row) => cursor === placed.get(row[key]) || cursor === cursors.get(row[key]));
      if (!row) throw new Error('the cursor belongs to another list');
      return row;
    };
    const begin = after == null ? undefined : place(after);
    const end = before == null ? undefined : place(before);
    const matches = matching(field, item, filter);
    const within = own
      .filter((row) => (!begin || compare(begin, row) < 0) && (!end || compare(row, end) < 0))
      .filter(matches)
      .sort(compare);
    const chosen = first == null ? within.slice(Math.max(0, within.length - size)) : within.slice(0, size);
    const more = within.length > chosen.length;
    const edges = chosen.map((node) => ({ node, cursor: cursors.get(node[key]) }));
    return {
      edges,
      nodes: chosen,
      totalCount: own.filter(matches).length,
      pageInfo: {
        hasNextPage: first == null ? before != null : more,
        hasPreviousPage: first == null ? more : after != null,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
    };
  }

  function matching(field, item, filter) {
    const argument = field.args.find(({ name }) => name === 'filter');
    const predicates = argument ? FILTERS[getNamedType(argument.type).name] : {};
    const given = Object.entries(filter ?? {}).filter(([, value]) => value != null);
    for (const [name, value] of given) {
      if (name in IDS) checkId(value, IDS[name]);
      const form = FORMS[getNamedType(argument.type).name]?.[name];
      if (form && ![value].flat().every((text) => form.test(text)))
        throw new Error(`${name} has another form`);
    }
    return (row) =>
      given.every(([name, value]) => predicates[name](row, value)) &&
      (filter?.statuses != null || !WITHOUT_DELETED.includes(item.name) || row.status !== 'DELETED');
  }
}

const OF_A_PAGE = ['edges', 'nodes', 'totalCount', 'pageInfo', 'cursor', 'node'];
const known = (type, field) => type.name === 'PageInfo' || OF_A_PAGE.includes(field.name);

// Whether queries reach the type. Payloads and changes belong to mutations and subscriptions.
function isRead(schema, wanted) {
  const seen = new Set();
  const visit = (type) => {
    if (seen.has(type) || !isCompositeType(type)) return;
    seen.add(type);
    const types = isInterfaceType(type) ? schema.getPossibleTypes(type) : [];
    for (const inner of types) visit(inner);
    for (const field of Object.values(type.getFields()))
      if (!isVolatile(field)) visit(getNamedType(field.type));
  };
  visit(schema.getQueryType());
  return seen.has(wanted);
}
