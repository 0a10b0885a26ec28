/** Filters in the address bar, so that a link shows the same list. */
import { useSearchParams } from "react-router";

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
