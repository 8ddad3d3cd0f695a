/** Builds the demo into web/dist/demo, from where the server serves it: the page at `/`, its files at `/demo/`. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

const { CALLBOX_URL = 'http://localhost:8080', CALLBOX_APP_KEY } = process.env;

/** `npm run dev` has no server that fills in the app key, so it comes from the environment. */
const appKeyFromEnvironment: Plugin = {
  name: 'callbox-app-key',
  apply: 'serve',
  transformIndexHtml: (html) =>
    CALLBOX_APP_KEY ? html.replace('__CALLBOX_APP_KEY__', CALLBOX_APP_KEY) : html,
};

export default defineConfig({
  base: '/demo/',
  plugins: [svelte(), appKeyFromEnvironment],
  build: {
    outDir: '../dist/demo',
    emptyOutDir: true,
    // The first browsers with `light-dark()`, all of 2024.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // A strict Content-Security-Policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { '/v1': { target: CALLBOX_URL, ws: true, changeOrigin: true } },
  },
});
