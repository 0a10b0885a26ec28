/** React hooks over live lists. */
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";

import type { RequestFailure } from "../graphql/errors";
import type { Source, Versioned } from "./entity";
import { asFailure, LiveList, type ListState } from "./list";

export interface Live<Row extends Versioned> extends ListState<Row> {
  more(): void;
  retry(): void;
  written(row: Row): void;
}

/** Follows a list. `key` names it: another key is another list. */
export function useLive<Row extends Versioned>(key: string, source: () => Source<Row>): Live<Row> {
  // The key stands for everything that the source depends on.
  const list = useMemo(() => new LiveList(source()), [key]);
  const state = useSyncExternalStore(list.subscribe, () => list.state);
  return { ...state, more: list.more, retry: list.retry, written: (row) => list.written(row) };
}

export interface Loaded<Result> {
  data: Result | null;
  failure: RequestFailure | null;
  reload(): void;
}

/** Runs a query when the key changes, and every `everyMs` milliseconds if that is given. */
export function useQuery<Result>(key: string, run: () => Promise<Result>, everyMs?: number): Loaded<Result> {
  const [state, setState] = useState<{ key: string; data: Result | null; failure: RequestFailure | null }>({
    key,
    data: null,
    failure: null,
  });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    const load = () =>
      run().then(
        (data) => isCurrent && setState({ key, data, failure: null }),
        (error: unknown) =>
          isCurrent && setState((old) => ({ ...old, key, failure: asFailure(error) })),
      );
    void load();
    const timer = everyMs === undefined ? undefined : setInterval(() => void load(), everyMs);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [key, attempt, everyMs]);
  const isOfKey = state.key === key;
  return {
    data: isOfKey ? state.data : null,
    failure: isOfKey ? state.failure : null,
    reload: () => setAttempt((count) => count + 1),
  };
}
