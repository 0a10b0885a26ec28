/** Filters in the address bar, so that a link shows the same list. */
import { useEffect, useState } from "react";
import { useSearchParams } from "react-router";

/** The time without a key after which a text is searched for, in milliseconds. */
const SETTLED = 200;

/** Returns a value once it has not changed for a moment, so that typing does not send a query for each key. */
export function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export function useAddress(): [(key: string) => string, (changes: Record<string, string>) => void] {
  const [params, setParams] = useSearchParams();
  const get = (key: string) => params.get(key) ?? "";
  const set = (changes: Record<string, string>) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        for (const [key, value] of Object.entries(changes)) {
          if (value) next.set(key, value);
          else next.delete(key);
        }
        return next;
      },
      { replace: true },
    );
  return [get, set];
}
