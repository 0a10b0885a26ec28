import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `./dev console` sets the address of a running platform.
const platform = process.env.CLUSTERGENIE_URL ?? "http://127.0.0.1:8085";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    assetsDir: "assets",
    // Inlined files would need a weaker content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  server: {
    proxy: { "/graphql": { target: platform, ws: true } },
  },
});
