import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import german from "./de.json";
import english from "./en.json";

const source = join(import.meta.dirname, "..");
const code = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file) && !file.includes(".test."))
  .map((file) => readFileSync(join(source, file), "utf8"))
  .join("\n");

const own = (messages: Record<string, string>) => Object.keys(messages).filter((id) => !id.startsWith("refusal."));

describe("messages", () => {
  it("exist in every language", () => {
    expect(own(german).sort()).toEqual(own(english).sort());
  });

  it("exist for every id that the code names", () => {
    const named = [...code.matchAll(/id(?:=|: )"([a-z]+(?:\.[a-zA-Z]+)*)"/g)].map((match) => match[1]);
    const missing = named.filter((id) => id && id.includes(".") && !(id in english));
    expect(missing).toEqual([]);
  });

  it("have the same parameters in every language", () => {
    const parameters = (text: string) => [...text.matchAll(/\{(\w+)[,}]/g)].map((match) => match[1]).sort();
    for (const [id, text] of Object.entries(english)) {
      expect([id, parameters((german as Record<string, string>)[id] ?? "")]).toEqual([id, parameters(text)]);
    }
  });
});
