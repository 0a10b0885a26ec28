/** Pages of a list that only grows, such as the history: newest first, and new ones on demand. */
import { useCallback, useEffect, useRef, useState } from "react";

import type { RequestFailure } from "../graphql/errors";
import { asFailure } from "./list";

export interface PageOf<Row> {
  rows: readonly Row[];
  next: string | null;
}

export interface Pages<Row> {
  rows: readonly Row[];
  hasMore: boolean;
  isLoading: boolean;
  failure: RequestFailure | null;
  more(): void;
  reload(): void;
}

/**
 * Reads a list page by page. A filtered page may be empty although more follow; the person asks for them then.
 *
 * The first page is read again every `everyMs` milliseconds, as long as no other one was read.
 */
export function usePages<Row>(key: string, load: (after: string | null) => Promise<PageOf<Row>>, everyMs?: number): Pages<Row> {
  const empty = { rows: [] as readonly Row[], next: null as string | null, count: 0, isLoading: true, failure: null as RequestFailure | null };
  const [state, setState] = useState(empty);
  const [attempt, setAttempt] = useState(0);
  const turn = useRef(0);
  const read = useCallback(
    async (after: string | null, before: readonly Row[], count: number) => {
      const mine = ++turn.current;
      setState((old) => ({ ...old, isLoading: true, failure: null }));
      try {
        const page = await load(after);
        if (mine !== turn.current) return;
        setState({ rows: [...before, ...page.rows], next: page.next, count: count + 1, isLoading: false, failure: null });
      } catch (error) {
        if (mine === turn.current) setState((old) => ({ ...old, isLoading: false, failure: asFailure(error) }));
      }
    },
    // The key stands for everything that `load` depends on.
    [key],
  );
  useEffect(() => {
    setState(empty);
    void read(null, [], 0);
    return () => void turn.current++;
  }, [read, attempt]);
  useEffect(() => {
    if (everyMs === undefined || state.count > 1) return;
    const timer = setInterval(() => void read(null, [], 0), everyMs);
    return () => clearInterval(timer);
  }, [read, everyMs, state.count]);
  const more = useCallback(() => {
    if (state.next !== null && !state.isLoading) void read(state.next, state.rows, state.count);
  }, [read, state]);
  return {
    rows: state.rows,
    hasMore: state.next !== null,
    isLoading: state.isLoading,
    failure: state.failure,
    more,
    reload: () => setAttempt((count) => count + 1),
  };
}
