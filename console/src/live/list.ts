/**
 * A list that shows changes as they happen: reads pages, then follows all changes after them.
 *
 * The watch begins at the position of the history that the first page shows, and resumes after the last cursor that
 * it has seen. So a killed server or a laptop that slept leaves no hole. Repeated changes are harmless, because rows
 * have versions. If the platform no longer has the cursor, the list is read again from its beginning.
 */
import { RequestFailure } from "../graphql/errors";
import type { Change, Source, Versioned } from "./entity";
import { Rows } from "./rows";

/** Pauses between attempts to follow, in milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5_000;

/** A state of a list, for display. A new object after each change. */
export interface ListState<Row> {
  rows: readonly Row[];
  hasMore: boolean;
  isLoading: boolean;
  failure: RequestFailure | null;
  /** True while changes arrive. */
  isLive: boolean;
  /** The time at which the list was known to be up to date, in milliseconds since 1970. */
  freshAt: number | null;
}

export class LiveList<Row extends Versioned> {
  readonly #source: Source<Row>;
  readonly #listeners = new Set<() => void>();
  #rows: Rows<Row>;
  #state: ListState<Row>;
  #stop: AbortController | null = null;
  #after: string | null = null;
  #pending: Row[] = [];
  #isScheduled = false;

  constructor(source: Source<Row>) {
    this.#source = source;
    this.#rows = new Rows(source);
    this.#state = this.#initial();
  }

  get state(): ListState<Row> {
    return this.#state;
  }

  /** Listens to changes of the state. The list is read and followed while anybody listens. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end();
    };
  };

  /** Reads the next page, unless one is being read. */
  more = (): void => {
    const { isLoading, hasMore } = this.#state;
    if (this.#stop && !isLoading && hasMore) void this.#load(this.#stop.signal);
  };

  /** Reads everything again after a failure. */
  retry = (): void => {
    this.#end();
    if (this.#listeners.size > 0) this.#start();
  };

  /** Takes over a row that a mutation returned, so that writers see their own writes at once. */
  written(row: Row): void {
    this.#arrived([row]);
  }

  #initial(): ListState<Row> {
    return {
      rows: [],
      hasMore: true,
      isLoading: true,
      failure: null,
      isLive: false,
      freshAt: null,
    };
  }

  #become(change: Partial<ListState<Row>>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  #start(): void {
    this.#stop = new AbortController();
    this.#rows = new Rows(this.#source);
    this.#after = null;
    this.#state = { ...this.#initial(), rows: this.#state.rows };
    void this.#run(this.#stop.signal);
  }

  #end(): void {
    this.#stop?.abort();
    this.#stop = null;
  }

  async #run(stop: AbortSignal): Promise<void> {
    const asOf = await this.#load(stop);
    if (asOf !== null && !stop.aborted) await this.#watch(asOf, stop);
  }

  /** Reads the next page; returns the cursor of the history that it shows, or none after a failure. */
  async #load(stop: AbortSignal): Promise<string | null> {
    this.#become({ isLoading: true, failure: null });
    try {
      const page = await this.#source.page(this.#after);
      if (stop.aborted) return null;
      this.#after = page.endCursor;
      this.#rows.addPage(page.rows, !page.hasMore);
      this.#become({
        rows: this.#rows.sorted,
        hasMore: page.hasMore,
        isLoading: false,
        freshAt: this.#state.freshAt ?? Date.now(),
      });
      return page.asOf;
    } catch (error) {
      if (!stop.aborted) this.#become({ isLoading: false, failure: asFailure(error) });
      return null;
    }
  }

  async #watch(from: string, stop: AbortSignal): Promise<void> {
    let cursor = from;
    let pause = FIRST_PAUSE;
    while (!stop.aborted) {
      try {
        const onOpen = () => {
          if (!stop.aborted) this.#become({ isLive: true });
        };
        for await (const change of this.#source.watch(cursor, stop, onOpen)) {
          if (stop.aborted) return;
          cursor = change.cursor;
          pause = FIRST_PAUSE;
          this.#arrived(rowsOf(change));
        }
      } catch (error) {
        if (stop.aborted) return;
        const failure = asFailure(error);
        if (failure.kind === "lostCursor") {
          this.retry();
          return;
        }
        if (failure.kind === "forbidden") {
          this.#become({ failure });
          return;
        }
      }
      if (stop.aborted) return;
      this.#become({ isLive: false });
      await sleep(pause * (0.5 + Math.random() / 2), stop);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  /** Collects changes until the next frame, so that many of them cost one rendering. */
  #arrived(rows: Row[]): void {
    this.#pending.push(...rows);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    nextFrame(() => {
      this.#isScheduled = false;
      const changes = this.#pending;
      this.#pending = [];
      this.#rows.apply(changes);
      this.#become({ rows: this.#rows.sorted, freshAt: Date.now() });
    });
  }
}

function rowsOf<Row>(change: Change<Row>): Row[] {
  return change.row === null ? [] : [change.row];
}

export function asFailure(error: unknown): RequestFailure {
  return error instanceof RequestFailure ? error : new RequestFailure("offline", String(error));
}

/** Browsers draw no frame of a hidden page, so a timer is beside it. */
function nextFrame(run: () => void): void {
  let done = false;
  const once = () => {
    if (!done) {
      done = true;
      run();
    }
  };
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(once);
  setTimeout(once, 100);
}

function sleep(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    stop.addEventListener("abort", end, { once: true });
  });
}
