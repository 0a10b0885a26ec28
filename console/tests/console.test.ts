import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { launch, visit } from "./browser";
import { Platform, until } from "./platform";

const SHOTS = process.env.CONSOLE_SHOTS ?? join(import.meta.dirname, "../../target/console");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = ["/", "/droplets", "/droplets/new", "/jobs", "/clusters", "/activity", "/history", "/platform"];

let platform: Platform;
let browser: Browser;

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  platform = await Platform.start();
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  await platform?.stop();
});

const namesOn = async (page: Page) => (await page.locator(".grid .body a").allTextContents()).toSorted();

async function namesOf(): Promise<string[]> {
  const answer = await platform.send("{ droplets(first: 100) { nodes { name } } }");
  return (answer.data.droplets.nodes as { name: string }[]).map((one) => one.name).toSorted();
}

describe("the console", () => {
  it("provisions a droplet that another browser sees, and shows it become active", async () => {
    const watcher = await visit(browser, platform, "/droplets");
    await watcher.page.getByText("Live", { exact: true }).waitFor();
    const { page, context, faults } = await visit(browser, platform, "/droplets/new");
    await page.getByLabel("Name").fill("web-1");
    await page.getByText("a month").waitFor();
    await page.getByRole("button", { name: "Provision" }).click();
    await page.getByRole("heading", { name: "web-1" }).waitFor();
    await page.getByRole("progressbar", { name: "Progress" }).waitFor();
    await page.locator(".head").getByText("Active").waitFor();
    await page.getByText("web-1 became active").waitFor();
    await watcher.page.getByRole("link", { name: "web-1" }).waitFor();
    await watcher.page.locator(".grid").getByText("Active").waitFor();
    expect([...faults, ...watcher.faults]).toEqual([]);
    await context.close();
    await watcher.context.close();
  });

  it("shows the sentence of a refusal at its field, and keeps what was typed", async () => {
    await platform.provision("taken");
    const { page, context } = await visit(browser, platform, "/droplets/new");
    await page.getByLabel("Name").fill("taken");
    await page.getByText("a month").waitFor();
    await page.getByRole("button", { name: "Provision" }).click();
    const field = page.locator(".field", { has: page.getByLabel("Name") });
    await field.locator(".error").waitFor();
    expect(await page.getByLabel("Name").inputValue()).toBe("taken");
    await context.close();
  });

  it("deletes a droplet after it was confirmed, by keyboard alone", async () => {
    const id = await platform.provision("gone-1");
    const { page, context } = await visit(browser, platform, `/droplets/${id}`);
    await page.locator(".head").getByText("Active").waitFor();
    await page.getByRole("button", { name: "Delete" }).focus();
    await page.keyboard.press("Enter");
    const confirm = page.getByRole("dialog").getByRole("button", { name: "Delete" });
    await confirm.focus();
    await page.keyboard.press("Enter");
    await page.locator(".head").getByText("Deleted").waitFor();
    await context.close();
  });

  it("survives a killed server without a hole or a double", async () => {
    const { page, context, faults } = await visit(browser, platform, "/droplets");
    await page.getByText("Live", { exact: true }).waitFor();
    await platform.provision("before-1");
    await page.getByRole("link", { name: "before-1" }).waitFor();
    await platform.kill();
    await page.getByText("Connecting").waitFor();
    await platform.resume();
    for (let i = 1; i <= 5; i++) await platform.provision(`after-${i}`);
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByRole("link", { name: "after-5" }).waitFor();
    await until("the list is that of the platform", async () => (await namesOn(page)).join() === (await namesOf()).join());
    expect(faults).toEqual([]);
    await context.close();
  });

  it("learns how a command ended although the server was killed", async () => {
    const { page, context } = await visit(browser, platform, "/droplets/new");
    await page.getByLabel("Name").fill("lost-1");
    await page.getByText("a month").waitFor();
    await platform.kill();
    await page.getByRole("button", { name: "Provision" }).click();
    await platform.resume();
    await page.getByRole("heading", { name: "lost-1" }).waitFor();
    await until("the droplet is there once", async () => (await namesOf()).filter((name) => name === "lost-1").length === 1);
    await context.close();
  });

  it("pauses a projection with a reason, and resumes it", async () => {
    const { page, context, faults } = await visit(browser, platform, "/platform");
    const projection = page.getByRole("region", { name: "clusters" });
    await projection.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("a look at its rows");
    await page.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
    await projection.getByText("a look at its rows").waitFor();
    await projection.getByRole("button", { name: "Resume" }).click();
    await projection.getByText("Following").waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  it("keeps a list right while droplets come and go", async () => {
    const { page, context } = await visit(browser, platform, "/droplets?name=flow-");
    await page.getByText("Live", { exact: true }).waitFor();
    const ids = await Promise.all(Array.from({ length: 12 }, (_, i) => platform.provision(`flow-${i}`)));
    for (const id of ids.slice(0, 4)) {
      await platform.send("mutation ($id: ID!) { deleteDroplet(input: { id: $id }) { userErrors { message } } }", { id });
    }
    const expected = ids.slice(4).map((_, i) => `flow-${i + 4}`).toSorted();
    await until("the list shows the droplets that are left", async () => (await namesOn(page)).join() === expected.join());
    await context.close();
  });

  it("opens the palette, the keys and a language by keyboard", async () => {
    const { page, context } = await visit(browser, platform, "/");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").getByRole("searchbox").fill("web-1");
    await page.getByRole("menuitem", { name: "web-1" }).click();
    await page.getByRole("heading", { name: "web-1" }).waitFor();
    await page.getByLabel("Language").selectOption("de");
    await page.getByRole("button", { name: "Umbenennen" }).waitFor();
    await context.close();
  });

  it.each(["light", "dark"] as const)("has no violation of axe and no fault on any page in %s", async (colorScheme) => {
    const { page, context, faults } = await visit(browser, platform, "/", { colorScheme });
    for (const path of PAGES) {
      await page.goto(`${platform.url}${path}`);
      await page.getByRole("heading").first().waitFor();
      await page.waitForLoadState("networkidle");
      const name = path === "/" ? "overview" : path.slice(1).replaceAll("/", "-");
      await page.screenshot({ path: join(SHOTS, `${name}-${colorScheme}.png`) });
      await page.evaluate(AXE);
      const result = (await page.evaluate("axe.run()")) as { violations: { id: string; nodes: { html: string }[] }[] };
      const violations = result.violations.map((one) => `${path}: ${one.id}: ${one.nodes[0]?.html}`);
      expect(violations).toEqual([]);
    }
    expect(faults).toEqual([]);
    await context.close();
  });

  it("fits a narrow screen", async () => {
    const { page, context } = await visit(browser, platform, "/", { viewport: { width: 390, height: 800 } });
    for (const path of PAGES) {
      await page.goto(`${platform.url}${path}`);
      await page.getByRole("heading").first().waitFor();
      const name = path === "/" ? "overview" : path.slice(1).replaceAll("/", "-");
      await page.screenshot({ path: join(SHOTS, `${name}-narrow.png`) });
      const overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      expect([path, overflow]).toEqual([path, 0]);
    }
    await context.close();
  });

  it("asks for a token again when it is not accepted", async () => {
    const { page, context } = await visit(browser, platform, "/droplets");
    await page.getByText("Live", { exact: true }).waitFor();
    await page.evaluate("sessionStorage.setItem('clustergenie.token', 'wrong')");
    await page.reload();
    await page.getByLabel("Token").waitFor();
    await context.close();
  });
});
