/** Where a test plays: a server, a browser, tabs; and what is kept of them when it fails. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base } from 'vitest';
import { type Devices, launch } from './browser.js';
import { DemoTab } from './demo.js';
import { Line } from './line.js';
import { hideDevices, watchMedia } from './media.js';
import { FAILURES } from './places.js';
import { useOnly } from './relay.js';
import { keepSecretsOf } from './secrets.js';
import { CallboxServer, type ServerOptions } from './server.js';
import { PATIENCE_MS } from './wait.js';

/** How a tab is opened. */
export interface TabOptions extends BrowserContextOptions {
  /** Where the demo is; the server's own address where it is left out. */
  url?: string;
  devices?: Devices;
  /** Which devices there are none of. */
  missing?: ('audio' | 'video')[];
  /** Which STUN and TURN servers it may use: a pattern for their addresses. */
  relays?: string;
}

export class Stage {
  readonly server: CallboxServer;
  readonly #browser: (devices: Devices) => Promise<Browser>;
  readonly #contexts: BrowserContext[] = [];
  readonly #lines: Line[] = [];
  readonly #said: string[] = [];
  readonly #faults: string[] = [];

  constructor(server: CallboxServer, browser: (devices: Devices) => Promise<Browser>) {
    this.server = server;
    this.#browser = browser;
  }

  /** A browser profile of its own. */
  async context(options: TabOptions = {}): Promise<BrowserContext> {
    const browser = await this.#browser(options.devices ?? 'allowed');
    const context = await browser.newContext(options);
    context.setDefaultTimeout(PATIENCE_MS);
    this.#contexts.push(context);
    await watchMedia(context);
    if (options.missing) await hideDevices(context, options.missing);
    if (options.relays) await useOnly(context, options.relays);
    context.on('page', (page) => this.#follow(page));
    return context;
  }

  /** A tab with the demo, in a profile of its own. */
  async tab(options: TabOptions = {}): Promise<DemoTab> {
    const context = await this.context(options);
    const tab = new DemoTab(await context.newPage());
    await tab.open(options.url ?? this.server.url);
    return tab;
  }

  /** Someone who is signed in, in a tab of their own. */
  async person(name: string, options: TabOptions = {}): Promise<DemoTab> {
    const tab = await this.tab(options);
    await tab.signIn(name);
    return tab;
  }

  /** Two people who have each other's conversation on screen. */
  async pair(options: TabOptions = {}): Promise<[ann: DemoTab, bob: DemoTab]> {
    const [ann, bob] = await Promise.all([
      this.person('ann', options),
      this.person('bob', options),
    ]);
    await Promise.all([ann.openChat('bob'), bob.openChat('ann')]);
    return [ann, bob];
  }

  /** A line to the server that can break. */
  async line(): Promise<Line> {
    const line = await Line.to(this.server.url);
    this.#lines.push(line);
    return line;
  }

  /** Ends everything; the server has to end well, and no page may have stumbled. */
  async close(): Promise<void> {
    await Promise.all(this.#contexts.map((context) => context.close()));
    await Promise.all(this.#lines.map((line) => line.close()));
    await this.server.stop();
    if (this.#faults.length > 0) throw new Error(this.#faults.join('\n'));
  }

  /** Keeps pictures, what pages said and the server's log, for whoever looks for the cause. */
  async keepEvidence(name: string): Promise<void> {
    const folder = join(FAILURES, name.replaceAll(/[^\w]+/g, '-').slice(0, 100));
    mkdirSync(folder, { recursive: true });
    copyFileSync(this.server.logFile, join(folder, 'server.log'));
    writeFileSync(join(folder, 'pages.log'), `${this.#said.join('\n')}\n`);
    const pages = this.#contexts.flatMap((context) => context.pages());
    for (const [index, page] of pages.entries()) {
      const path = join(folder, `page-${index + 1}.png`);
      await page.screenshot({ path, timeout: PATIENCE_MS }).catch(() => undefined);
    }
  }

  #follow(page: Page): void {
    const number = this.#contexts.indexOf(page.context()) + 1;
    const say = (line: string) =>
      this.#said.push(`${new Date().toISOString()} [${number}] ${line}`);
    page.on('console', (message) => {
      say(`${message.type()}: ${message.text()}`);
      if (message.text().includes('Content Security Policy')) this.#faults.push(message.text());
    });
    page.on('pageerror', (error) => {
      say(`uncaught: ${error.stack ?? error.message}`);
      this.#faults.push(`A page threw: ${error.stack ?? error.message}`);
    });
    page.on('websocket', (socket) => {
      say('socket opened');
      socket.on('close', () => say('socket closed'));
      socket.on('framesent', ({ payload }) => {
        keepSecretsOf(payload);
        say(`→ ${shortened(payload)}`);
      });
      socket.on('framereceived', ({ payload }) => {
        keepSecretsOf(payload);
        say(`← ${shortened(payload)}`);
      });
    });
  }
}

/** A test on a stage of its own. One browser of a kind serves the whole run. */
export const test = base
  .extend('browsers', { scope: 'worker' }, () => {
    const opened = new Map<Devices, Promise<Browser>>();
    return (devices: Devices) => {
      const browser = opened.get(devices) ?? launch(devices);
      opened.set(devices, browser);
      return browser;
    };
  })
  .extend('serverOptions', (): ServerOptions => ({}))
  .extend('stage', async ({ browsers, serverOptions, task }, { onCleanup }) => {
    const stage = new Stage(await CallboxServer.start(serverOptions), browsers);
    onCleanup(async () => {
      if (task.result?.state === 'fail') await stage.keepEvidence(task.name);
      await stage.close();
    });
    return stage;
  });

function shortened(payload: string | Buffer): string {
  const text = payload.toString();
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
