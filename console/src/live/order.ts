/** Comparisons that agree with those of the platform's lists. */

export type Direction = "ASCENDING" | "DESCENDING";

/** An order of a list: by a text, and by the id where texts are equal. */
export function ordered<Row extends { id: string }>(text: (row: Row) => string, direction: Direction): (a: Row, b: Row) => number {
  const sign = direction === "ASCENDING" ? 1 : -1;
  return (a, b) => sign * (compareTexts(text(a), text(b)) || compareTexts(a.id, b.id));
}

/** Returns a text that sorts like the moment: the platform writes as many decimals of a second as needed. */
export function instant(time: string): string {
  const [seconds = "", fraction = ""] = time.replace("Z", "").split(".");
  return `${seconds}.${fraction.padEnd(9, "0")}`;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
