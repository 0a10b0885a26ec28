/** What a live list needs to know of a kind of objects. */

/** An object of the platform at a version. Versions are decimal numbers of any length. */
export interface Versioned {
  readonly id: string;
  readonly version: string;
}

/** Returns true if a version is later than another one. */
export function isLater(version: string, other: string): boolean {
  return BigInt(version) > BigInt(other);
}

/** A page of a list, and the cursor of the history that it shows. */
export interface Page<Row> {
  rows: Row[];
  endCursor: string | null;
  hasMore: boolean;
  asOf: string;
}

/** A change of one object, or a bookmark: a later cursor without a change. */
export interface Change<Row> {
  cursor: string;
  row: Row | null;
}

/** Where the rows of a list come from, and which rows belong to it. */
export interface Source<Row extends Versioned> {
  /** Reads the page after a cursor, or the first page. */
  page(after: string | null): Promise<Page<Row>>;
  /** Follows all changes after a cursor of the history. Calls `onOpen` when the platform listens. */
  watch(after: string, stop: AbortSignal, onOpen: () => void): AsyncIterable<Change<Row>>;
  /** Returns true if the row belongs to the list. */
  has(row: Row): boolean;
  /** Compares rows in the order of the list. Rows with other ids are never equal. */
  compare(a: Row, b: Row): number;
}
