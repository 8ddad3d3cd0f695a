/** A page that is not ours: an app of someone else, on an origin of its own, which loads the SDK from the server. */
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { CallboxClient } from '@callbox/sdk';
import type * as Sdk from '@callbox/sdk';
import type { Page } from 'playwright-core';
import { watchSent } from './frames.js';
import { test as base, type Stage } from './stage.js';
import { PATIENCE_MS } from './wait.js';

/** How the page loads the SDK. */
export type Loading = 'script' | 'module';

/** A tab of that app. */
export class PlainTab {
  readonly page: Page;
  /** Waits until this page has sent a frame of this type. */
  readonly sent: (type: string) => Promise<void>;
  readonly #stage: Stage;

  private constructor(page: Page, stage: Stage) {
    this.page = page;
    this.#stage = stage;
    this.sent = watchSent(page);
  }

  static async open(stage: Stage, origin: string, loading: Loading): Promise<PlainTab> {
    const context = await stage.context();
    const page = await context.newPage();
    const server = encodeURIComponent(stage.server.url);
    await page.goto(`${origin}/${loading}?server=${server}`);
    await page.waitForFunction(() => 'Callbox' in window, null, { timeout: PATIENCE_MS });
    return new PlainTab(page, stage);
  }

  /** Makes a client, as `window.client`, and signs in; resolves when it is online. */
  async signIn(userId: string, url = this.#stage.server.url): Promise<void> {
    const { appKey } = this.#stage.server;
    await this.page.evaluate(
      async ({ url, appKey, userId }) => {
        const client = new window.Callbox.CallboxClient({ url, appKey });
        window.client = client;
        window.messages = [];
        client.messages.on('message', ({ message }) => window.messages.push(message.text));
        await client.signIn({ userId });
        await new Promise<void>((resolve) => {
          if (client.connection === 'online') resolve();
          client.on('connection', ({ state }) => state === 'online' && resolve());
        });
      },
      { url, appKey, userId },
    );
  }
}

/** Tests that need such an app. */
export const test = base.extend('app', async ({ stage }, { onCleanup }) => {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://app');
    response.setHeader('content-type', 'text/html; charset=utf-8');
    const sdk = `${searchParams.get('server')}/sdk`;
    response.end(pathname === '/module' ? moduleHtml(sdk) : scriptHtml(sdk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanup(() => void server.close());
  const origin = originOf(server);
  return {
    origin,
    /** A tab of the app, with nobody signed in. */
    tab: (loading: Loading = 'script') => PlainTab.open(stage, origin, loading),
    /** A tab of the app, with someone signed in. */
    person: async (userId: string, loading: Loading = 'script', url?: string) => {
      const tab = await PlainTab.open(stage, origin, loading);
      await tab.signIn(userId, url);
      return tab;
    },
  };
});

function scriptHtml(sdk: string): string {
  return `<!doctype html><title>An app</title><script src="${sdk}/callbox.global.js"></script>`;
}

function moduleHtml(sdk: string): string {
  const load = `import * as Callbox from "${sdk}/callbox.js"; window.Callbox = Callbox;`;
  return `<!doctype html><title>An app</title><script type="module">${load}</script>`;
}

function originOf(server: Server): string {
  return `http://localhost:${(server.address() as { port: number }).port}`;
}

declare global {
  interface Window {
    Callbox: typeof Sdk;
    client: CallboxClient;
    messages: string[];
  }
}
