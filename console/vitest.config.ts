import { defineConfig } from "vitest/config";

// `npm test` runs the unit tests; `npm run test:browser` needs a built platform and Chromium.
export default defineConfig({
  test: {
    include: process.env.CONSOLE_PROGRAM ? ["tests/**/*.test.ts"] : ["src/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
