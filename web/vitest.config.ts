import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Unit tests only. End-to-end tests have a configuration of their own in e2e/, because they need a
// built server and a browser.
export default defineConfig({
  plugins: [svelte({ configFile: false })],
  test: {
    include: ['{packages/*,demo}/{src,test}/**/*.test.ts'],
    environment: 'node',
  },
});
