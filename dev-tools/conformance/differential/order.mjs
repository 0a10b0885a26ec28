// The orders of lists, from the rows.

// The order of a list if none is given: newest first, but the history from its beginning.
const DEFAULT = 'CREATED_AT DESCENDING';
const BY_POSITION = { activity: 'POSITION DESCENDING', events: 'POSITION ASCENDING' };

/** Compares two rows of a list by an order, such as `NAME ASCENDING`, and then by id in the same direction. */
export function compareInOrder(list, order) {
  const [by, direction] = (order || BY_POSITION[list] || DEFAULT).split(' ');
  const field = by.toLowerCase().replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  const sign = direction === 'ASCENDING' ? 1 : -1;
  const key = (row) => comparable(field, row[field]);
  return (one, other) => sign * (compare(key(one), key(other)) || compare(one.id, other.id));
}

const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

/** A value of a field in a form that `<` orders. */
export function comparable(field, value) {
  if (field === 'position') return BigInt(value);
  return field.endsWith('At') ? instant(value) : value;
}

/** A time of RFC 3339 as a text that sorts by time, to the nanosecond. */
export function instant(time) {
  const decimals = /\.(\d+)/.exec(time)?.[1] ?? '';
  const seconds = Date.parse(time.replace(/\.\d+/, '').toUpperCase()) / 1000;
  return `${String(seconds).padStart(12, '0')}.${decimals.padEnd(9, '0')}`;
}
