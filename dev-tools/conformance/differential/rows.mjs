// Reads the rows of the comparison through the platform, once, by simple queries over the fields of the SDL.

import {
  getNamedType,
  isCompositeType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { post } from '../post.mjs';
import { compareInOrder } from './order.mjs';

// What changes between two reads: the cost of a request, the state of the platform, and the time of an
// answer. So do commands, of which each refused mutation makes one more.
const VOLATILE_TYPES = ['RateLimit', 'Platform', 'CommandConnection'];
const VOLATILE_FIELDS = ['asOf'];

const PAGE = 25;

export const isConnection = (type) => isObjectType(type) && type.name.endsWith('Connection');
/** The type of the items of a connection. */
export const itemOf = (connection) =>
  getNamedType(getNamedType(connection.getFields().edges.type).getFields().node.type);
export const isVolatile = (field) =>
  VOLATILE_FIELDS.includes(field.name) || VOLATILE_TYPES.includes(getNamedType(field.type).name);
/** Whether objects of the type are found by their id. */
export const isNode = (type) =>
  type.name === 'Node' ||
  ((isObjectType(type) || isInterfaceType(type)) && type.getInterfaces().some(({ name }) => name === 'Node'));
/** What tells two items of a list apart. */
export const keyOf = (type) => (isNode(type) ? 'id' : 'position');

/** Whether a field is read with its object: it has no arguments, and its objects are plain to their end. */
export function isPlain(field, above = []) {
  const type = getNamedType(field.type);
  if (isVolatile(field) || field.args.some(isRequiredArgument)) return false;
  if (isLeafType(type)) return true;
  if (field.args.length > 0) return false;
  if (isNode(type)) return true;
  return isObjectType(type) && !isConnection(type) && !above.includes(type);
}

/** The fields that are read with an object. A node within it is read as its id. */
export function plainSelection(type, above = []) {
  if (isNode(type) && above.length > 0) return '{ __typename id }';
  const path = [...above, type];
  const fields = Object.values(type.getFields()).filter((field) => isPlain(field, path));
  const parts = fields.map((field) => {
    const inner = getNamedType(field.type);
    return isCompositeType(inner) ? `${field.name} ${plainSelection(inner, path)}` : field.name;
  });
  return `{ __typename ${parts.join(' ')} }`;
}

/** The orders of a list, as arguments and as keys. The first is the order of a list without an argument. */
export function ordersOf(field) {
  const argument = field.args.find(({ name }) => name === 'orderBy');
  const orders = [{ key: '', text: '' }];
  if (!argument) return orders;
  const { field: by, direction } = getNamedType(argument.type).getFields();
  for (const { name: one } of getNamedType(by.type).getValues()) {
    for (const { name: way } of getNamedType(direction.type).getValues()) {
      orders.push({ key: `${one} ${way}`, text: `, orderBy: { field: ${one}, direction: ${way} }` });
    }
  }
  return orders;
}

// A filter that lets all rows through: lists leave out deleted ones otherwise.
function everything(field) {
  const filter = field.args.find(({ name }) => name === 'filter');
  const statuses = filter && getNamedType(filter.type).getFields().statuses;
  const type = statuses && getNamedType(statuses.type);
  return isEnumType(type)
    ? `, filter: { statuses: [${type
        .getValues()
        .map(({ name }) => name)
        .join(', ')}] }`
    : '';
}

/**
 * Reads all rows. Returns
 * - `nodes`: the objects by id, with their plain fields;
 * - `lists`: the items of the lists at the root, by field;
 * - `roots`: the plain objects at the root, by field;
 * - `cursors`: for each list (`droplets`, or `jobs` of an object), order and item, its cursor;
 * - `disorder`: lists of which the platform's order is not that of the rows.
 */
export async function readRows(schema, token) {
  const rows = { nodes: new Map(), lists: new Map(), roots: new Map(), cursors: new Map(), disorder: [] };
  const read = async (query, variables) => {
    const { text, result } = await post({ query, variables }, { more: { 'x-consistency-token': token } });
    if (result.errors) throw new Error(`${query}: ${text}`);
    return result.data;
  };

  async function readList(field, selection, argument = '') {
    const items = [];
    for (let after = null, more = true; more;) {
      const data = await read(
        `query ($after: String) {
        list: ${field.name}(first: ${PAGE}, after: $after${everything(field)}${argument}) {
          edges { cursor node ${selection} } pageInfo { hasNextPage endCursor }
        }
      }`,
        { after },
      );
      items.push(...data.list.edges);
      ({ hasNextPage: more, endCursor: after } = data.list.pageInfo);
    }
    return items;
  }

  const lists = [];
  for (const field of Object.values(schema.getQueryType().getFields())) {
    const type = getNamedType(field.type);
    if (isConnection(type)) {
      if (!isVolatile(field)) lists.push(field);
    } else if (
      isObjectType(type) &&
      !isNode(type) &&
      !isVolatile(field) &&
      !field.args.some(isRequiredArgument)
    ) {
      const data = await read(`{ ${field.name} ${plainSelection(type)} }`);
      rows.roots.set(field.name, data[field.name]);
    }
  }
  for (const field of lists) {
    const type = itemOf(getNamedType(field.type));
    const items = (await readList(field, plainSelection(type))).map(({ node }) => node);
    rows.lists.set(field.name, items);
    if (isNode(type)) for (const item of items) rows.nodes.set(item.id, item);
  }
  // The cursors of each order, by which the order of the platform is checked too.
  for (const field of lists) {
    const type = itemOf(getNamedType(field.type));
    const key = keyOf(type);
    for (const order of ordersOf(field)) {
      const edges = await readList(field, `{ ${key} }`, order.text);
      keep(rows, field.name, order, edges, key);
      const wanted = [...rows.lists.get(field.name)]
        .sort(compareInOrder(field.name, order.key))
        .map((item) => item[key]);
      const given = edges.map(({ node }) => node[key]);
      if (`${wanted}` !== `${given}`)
        rows.disorder.push(`${field.name} in the order '${order.key}' is ${given}, not ${wanted}`);
    }
  }
  // The lists of an object have cursors of their own.
  for (const node of rows.nodes.values()) {
    const fields = Object.values(schema.getType(node.__typename).getFields()).filter(({ type }) =>
      isConnection(getNamedType(type)),
    );
    for (const field of fields) {
      const key = keyOf(itemOf(getNamedType(field.type)));
      const orders = ordersOf(field);
      const parts = orders.map(
        ({ text }, index) =>
          `o${index}: ${field.name}(first: ${PAGE}${everything(field)}${text}) { edges { cursor node { ${key} } } }`,
      );
      const data = await read(
        `query ($id: ID!) { node(id: $id) { ... on ${node.__typename} { ${parts.join(' ')} } } }`,
        { id: node.id },
      );
      orders.forEach((order, index) =>
        keep(rows, `${node.id} ${field.name}`, order, data.node[`o${index}`].edges, key),
      );
    }
  }
  return rows;
}

function keep({ cursors }, list, order, edges, key) {
  cursors.set(`${list} ${order.key}`, new Map(edges.map(({ cursor, node }) => [node[key], cursor])));
}

/** Reads the rows again and again until two reads are equal and nothing runs by itself any more. */
export async function readStableRows(schema, token) {
  const deadline = Date.now() + 30_000;
  for (let last; ;) {
    const rows = await readRows(schema, token);
    const text = textOf(rows);
    const moving = [...rows.nodes.values()].some(
      ({ provisioner, runner, status }) =>
        (provisioner === 'PLATFORM' && ['REQUESTED', 'DELETING'].includes(status)) ||
        (runner === 'PLATFORM' && ['SUBMITTED', 'RUNNING'].includes(status)),
    );
    if (!moving && text === last) return rows;
    if (Date.now() > deadline) throw new Error('the rows still change after 30 s');
    last = text;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The rows as one text, by which two reads are compared. */
export const textOf = ({ lists, roots }) => JSON.stringify([[...lists], [...roots]]);
