/**
 * The token of the signed-in person, kept for the tab's lifetime.
 *
 * A token never leaves the browser but in requests to the platform. It comes from the form, or from the
 * fragment of the address (`#token=...`), which browsers send to nobody; the fragment is removed at once.
 */

const KEY = "clustergenie.token";

type Listener = () => void;

class Session {
  #token: string | null;
  readonly #listeners = new Set<Listener>();

  constructor() {
    const fragment = new URLSearchParams(window.location.hash.slice(1));
    const given = fragment.get("token");
    if (given) {
      sessionStorage.setItem(KEY, given);
      window.history.replaceState(null, "", window.location.pathname + window.location.search);
    }
    this.#token = sessionStorage.getItem(KEY);
  }

  get token(): string | null {
    return this.#token;
  }

  signIn(token: string): void {
    sessionStorage.setItem(KEY, token);
    this.#become(token);
  }

  signOut(): void {
    sessionStorage.removeItem(KEY);
    this.#become(null);
  }

  subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #become(token: string | null): void {
    this.#token = token;
    for (const listener of this.#listeners) listener();
  }
}

export const session = new Session();
