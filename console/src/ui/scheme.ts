/** Light and dark: the system's choice, or the person's. */
export type Scheme = "auto" | "light" | "dark";

const KEY = "clustergenie.scheme";

export function storedScheme(): Scheme {
  const stored = localStorage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "auto";
}

/** Applies and remembers a choice. */
export function applyScheme(scheme: Scheme): void {
  localStorage.setItem(KEY, scheme);
  document.documentElement.dataset["scheme"] = scheme;
}
