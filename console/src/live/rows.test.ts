import { describe, expect, it } from "vitest";

import { Rows } from "./rows";

interface Named {
  id: string;
  version: string;
  name: string;
  gone?: boolean;
}

const source = {
  has: (row: Named) => !row.gone,
  compare: (a: Named, b: Named) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
};

const row = (id: string, name: string, version = 1, gone = false): Named => ({ id, name, version: String(version), gone });
const names = (rows: Rows<Named>) => rows.sorted.map((one) => one.name).join(" ");

describe("rows", () => {
  it("keep the later version, whichever comes first", () => {
    const rows = new Rows(source);
    rows.addPage([row("1", "a"), row("2", "b")], true);
    rows.apply([row("1", "c", 3)]);
    rows.apply([row("1", "x", 2)]);
    rows.addPage([row("1", "y", 3)], true);
    expect(names(rows)).toBe("b c");
  });

  it("do not come back with an older page after they left", () => {
    const rows = new Rows(source);
    rows.addPage([row("1", "a")], false);
    rows.apply([row("2", "b", 2, true)]);
    rows.addPage([row("2", "b", 1), row("3", "c")], true);
    expect(names(rows)).toBe("a c");
  });

  it("behind the pages that were read come with their page", () => {
    const rows = new Rows(source);
    rows.addPage([row("1", "a"), row("2", "m")], false);
    rows.apply([row("3", "z"), row("4", "b")]);
    expect(names(rows)).toBe("a b m");
    rows.addPage([row("3", "z")], true);
    expect(names(rows)).toBe("a b m z");
  });

  it("that appear where the last row was are shown, because no later page has them", () => {
    const rows = new Rows(source);
    rows.addPage([row("1", "a"), row("2", "m")], false);
    rows.apply([row("2", "m", 2, true), row("3", "k")]);
    expect(names(rows)).toBe("a k");
  });

  it("that moved behind the end before their page was read are shown once", () => {
    const rows = new Rows(source);
    rows.addPage([row("1", "a"), row("2", "m")], false);
    rows.apply([row("1", "y", 2)]);
    expect(names(rows)).toBe("m");
    rows.addPage([row("3", "x"), row("1", "y", 2)], true);
    expect(names(rows)).toBe("m x y");
  });

  it("equal those of the platform after random pages and changes", () => {
    let seed = 7;
    const next = (below: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    for (let round = 0; round < 200; round++) {
      const truth = new Map<string, Named>();
      for (let i = 0; i < 30; i++) truth.set(String(i), row(String(i), String(next(1000))));
      const listed = () => [...truth.values()].filter(source.has).sort(source.compare);
      const rows = new Rows(source);
      let after: Named | null = null;
      let isLast = false;
      const late: Named[] = [];
      while (!isLast) {
        const rest = listed().filter((one) => after === null || source.compare(one, after) > 0);
        const page = rest.slice(0, 5);
        isLast = rest.length <= 5;
        after = page.at(-1) ?? after;
        rows.addPage(page, isLast);
        for (let i = next(6); i > 0; i--) {
          const id = String(next(35));
          const version = Number(truth.get(id)?.version ?? 0) + 1;
          const changed = row(id, String(next(1000)), version, next(4) === 0);
          truth.set(id, changed);
          late.push(changed);
        }
        rows.apply(late.splice(0, next(late.length + 1)));
      }
      rows.apply(late);
      expect(names(rows)).toBe(listed().map((one) => one.name).join(" "));
    }
  });
});
