/**
 * The rows of a list, in order, by id and version.
 *
 * Pages and changes may come in any order and repeatedly. A row is replaced only by a later version of itself.
 * A row that leaves the list is remembered by its version, so that an older page does not bring it back.
 */
import { isLater, type Source, type Versioned } from "./entity";

export class Rows<Row extends Versioned> {
  readonly #source: Pick<Source<Row>, "has" | "compare">;
  /** The latest version of each object that was seen, also of those that left the list. */
  readonly #latest = new Map<string, Row>();
  #sorted: Row[] = [];
  /** The last row of the pages that were read, as it was then: rows behind it are on later pages. */
  #end: Row | null = null;
  /** False while the platform has rows beyond the end. */
  #isComplete = false;

  constructor(source: Pick<Source<Row>, "has" | "compare">) {
    this.#source = source;
  }

  /** The rows in order; a new array after each change. */
  get sorted(): readonly Row[] {
    return this.#sorted;
  }

  get(id: string): Row | undefined {
    return this.#latest.get(id);
  }

  /** Adds the next page. `isLast` tells that no rows follow it. */
  addPage(rows: readonly Row[], isLast: boolean): void {
    this.#isComplete = isLast;
    this.#end = rows.at(-1) ?? this.#end;
    this.#sorted = [...this.#sorted];
    const fresh: Row[] = [];
    for (const row of rows) {
      const known = this.#latest.get(row.id);
      if (known && !isLater(row.version, known.version)) {
        // A change came first. The row that it brought was dropped if it sorted behind the rows of then.
        if (this.#source.has(known) && this.#find(known) === null) fresh.push(known);
        continue;
      }
      if (known) this.#remove(known);
      this.#latest.set(row.id, row);
      if (this.#source.has(row)) fresh.push(row);
    }
    fresh.sort(this.#source.compare);
    this.#sorted = merge(this.#sorted, fresh, this.#source.compare);
  }

  /** Applies changes; returns true if the list looks different. */
  apply(changes: readonly Row[]): boolean {
    let changed = false;
    const next = [...this.#sorted];
    this.#sorted = next;
    for (const row of changes) {
      const known = this.#latest.get(row.id);
      if (known && !isLater(row.version, known.version)) continue;
      if (known) changed = this.#remove(known) || changed;
      this.#latest.set(row.id, row);
      if (this.#source.has(row) && (this.#isComplete || this.#isBeforeTheEnd(row))) {
        next.splice(this.#place(row), 0, row);
        changed = true;
      }
    }
    return changed;
  }

  #isBeforeTheEnd(row: Row): boolean {
    return this.#end !== null && this.#source.compare(row, this.#end) < 0;
  }

  #remove(row: Row): boolean {
    const at = this.#find(row);
    if (at === null) return false;
    this.#sorted.splice(at, 1);
    return true;
  }

  #find(row: Row): number | null {
    const at = this.#place(row);
    return this.#sorted[at]?.id === row.id ? at : null;
  }

  /** Returns the index of the first row that is not before this one. */
  #place(row: Row): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const there = this.#sorted[middle] as Row;
      if (this.#source.compare(there, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function merge<Row>(a: readonly Row[], b: readonly Row[], compare: (a: Row, b: Row) => number): Row[] {
  const merged: Row[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (compare(a[i] as Row, b[j] as Row) <= 0) merged.push(a[i++] as Row);
    else merged.push(b[j++] as Row);
  }
  while (i < a.length) merged.push(a[i++] as Row);
  while (j < b.length) merged.push(b[j++] as Row);
  return merged;
}
