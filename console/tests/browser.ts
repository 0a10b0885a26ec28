/** A browser for tests, whose pages must log no error. */
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

import type { Platform } from "./platform";

// The flags keep Chromium from looking for hosts of its maker.
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** What pages logged as errors, such as a violation of the content security policy. */
  faults: string[];
}

/** Opens a browser of its own, signed in. */
export async function visit(browser: Browser, platform: Platform, path: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US", ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    // A server that is down is no fault of the page.
    if (message.type() === "error" && !/ERR_CONNECTION|WebSocket connection/.test(message.text())) faults.push(message.text());
  });
  await page.goto(`${platform.url}${path}#token=${platform.token}`);
  return { context, page, faults };
}
